#include "hsm/packet_reader.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/packet_socket.h"

namespace sealward::hsm {

PacketReader::PacketReader() : buffer_(kMaxPacketBytes) {}

absl::StatusOr<absl::string_view> PacketReader::Receive(int fd, void (*on_idle)()) {
  iovec room{buffer_.data(), buffer_.size()};
  msghdr message{};
  message.msg_iov = &room;
  message.msg_iovlen = 1;
  ssize_t received = recvmsg(fd, &message, MSG_DONTWAIT);
  if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    on_idle();
    received = recvmsg(fd, &message, 0);
  }
  while (received < 0 && errno == EINTR) received = recvmsg(fd, &message, 0);
  if (received < 0) {
    return absl::UnavailableError(absl::StrCat("recvmsg: ", std::strerror(errno)));
  }
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return absl::InvalidArgumentError("the peer sent a packet over the limit, or descriptors");
  }
  if (received == 0) return absl::OutOfRangeError("the peer closed the connection");
  return absl::string_view(buffer_.data(), static_cast<size_t>(received));
}

}  // namespace sealward::hsm
