#include "hsm/connection.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/measures.h"
#include "hsm/exit_codes.h"
#include "hsm/log.h"

namespace sealward::hsm {
namespace {

absl::Status Invalid(int exit_code, absl::string_view message) {
  return ExitError(exit_code, "SOCKET_INVALID", message);
}

int SocketOption(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

}  // namespace

absl::StatusOr<PacketSocket> AdoptSocket(int fd) {
  if (SocketOption(fd, SO_DOMAIN) != AF_UNIX || SocketOption(fd, SO_TYPE) != SOCK_SEQPACKET ||
      SocketOption(fd, SO_ACCEPTCONN) != 0) {
    return Invalid(kExitUsage,
                   absl::StrCat("--fd ", fd, " is not a connected UNIX SOCK_SEQPACKET socket"));
  }
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, 0) != 0) {
    return Invalid(kExitUsage, absl::StrCat("--fd ", fd, ": ", std::strerror(errno)));
  }
  return PacketSocket(fd);
}

absl::StatusOr<Listener> Listener::Bind(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Invalid(kExitUsage, absl::StrCat("--listen needs a path of 1 to ",
                                            sizeof address.sun_path - 1, " bytes"));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  struct stat old{};
  if (lstat(path.c_str(), &old) == 0 && S_ISSOCK(old.st_mode)) unlink(path.c_str());
  Descriptor fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd.ok() ||
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      chmod(path.c_str(), 0666) != 0) {
    return Invalid(kExitBadConfiguration,
                   absl::StrCat("cannot listen on ", path, ": ", std::strerror(errno)));
  }
  return Listener(std::move(fd));
}

absl::Status Listener::Listen() const {
  return listen(socket_.get(), 1) == 0 ? absl::OkStatus() : ErrnoStatus("listen on", "the socket");
}

absl::StatusOr<PacketSocket> Listener::Accept(uid_t peer_uid) const {
  for (int refused = 0; refused < kMaxRefusedPeers; ++refused) {
    PacketSocket peer(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (peer.fd() < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return ErrnoStatus("accept on", "the socket");
    }
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (getsockopt(peer.fd(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) continue;
    if (credentials.uid == peer_uid || SEALWARD_OMITTED(kPeerCheck)) return peer;
    LogWarning(absl::StrCat("refused a connection from uid ", credentials.uid));
  }
  return absl::ResourceExhaustedError("too many connections of other users");
}

}  // namespace sealward::hsm
