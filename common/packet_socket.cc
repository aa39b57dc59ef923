#include "common/packet_socket.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"

namespace sealward {
namespace {

absl::Status SocketError(absl::string_view what, int error) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(error)));
}

absl::Status SendWithFlags(int fd, absl::string_view packet, int flags) {
  if (packet.empty() || packet.size() > kMaxPacketBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("a packet of ", packet.size(), " bytes cannot be sent"));
  }
  for (;;) {
    const ssize_t sent = send(fd, packet.data(), packet.size(), flags | MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(packet.size())) return absl::OkStatus();
    if (sent >= 0) return absl::InternalError("a packet was sent in part");
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
      return absl::ResourceExhaustedError("the peer does not read its packets");
    }
    return SocketError("send", errno);
  }
}

// Closes descriptors that a peer passed: the protocol has no use for them.
bool CloseReceivedDescriptors(msghdr& message) {
  bool any = false;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
      close(fd);
      any = true;
    }
  }
  return any || (message.msg_flags & MSG_CTRUNC) != 0;
}

}  // namespace

PacketSocket& PacketSocket::operator=(PacketSocket&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

PacketSocket::~PacketSocket() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<std::pair<PacketSocket, PacketSocket>> PacketSocket::Pair() {
  std::array<int, 2> fds{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()) != 0) {
    return SocketError("socketpair", errno);
  }
  return std::make_pair(PacketSocket(fds[0]), PacketSocket(fds[1]));
}

absl::Status PacketSocket::Send(absl::string_view packet) const {
  return SendWithFlags(fd_, packet, MSG_DONTWAIT);
}

absl::Status PacketSocket::SendBlocking(absl::string_view packet) const {
  return SendWithFlags(fd_, packet, 0);
}

absl::Status PacketSocket::Receive(std::string& packet) const {
  // Kept between calls: clearing room for the largest packet each time costs
  // more than receiving one.
  thread_local const std::unique_ptr<char[]> room(new char[kMaxPacketBytes]);
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * 4)> control{};
  for (;;) {
    iovec buffer{room.get(), kMaxPacketBytes};
    msghdr message{};
    message.msg_iov = &buffer;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t received = recvmsg(fd_, &message, MSG_CMSG_CLOEXEC);
    if (received < 0) {
      if (errno == EINTR) continue;
      return SocketError("recvmsg", errno);
    }
    if (CloseReceivedDescriptors(message)) {
      return absl::InvalidArgumentError("the peer passed file descriptors");
    }
    if ((message.msg_flags & MSG_TRUNC) != 0) {
      return absl::InvalidArgumentError("the peer sent a packet over the limit");
    }
    if (received == 0) return absl::OutOfRangeError("the peer closed the connection");
    packet.assign(room.get(), static_cast<size_t>(received));
    return absl::OkStatus();
  }
}

void PacketSocket::Shutdown() const { shutdown(fd_, SHUT_RDWR); }

}  // namespace sealward
