// How a server reaches this process: a descriptor that it was given, or a UNIX
// socket that it listens on.
#ifndef SEALWARD_HSM_CONNECTION_H_
#define SEALWARD_HSM_CONNECTION_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/packet_socket.h"
#include "hsm/files.h"

namespace sealward::hsm {

// Callers of another user that are turned away before the process gives up.
inline constexpr int kMaxRefusedPeers = 1000;

// Takes over an inherited descriptor: holding it is the authority. Exit code 2
// (SOCKET_INVALID) unless it is a connected UNIX SOCK_SEQPACKET socket.
absl::StatusOr<PacketSocket> AdoptSocket(int fd);

// Listener waits at a path for one peer. The socket is bound before the
// process changes its user, because the path may lie in a directory that only
// root can write to, and listens afterwards, because a peer sees who listened.
class Listener {
 public:
  // Binds `path`, replacing a socket that is left there. Anybody may connect as
  // far as modes go; who may stay is decided by Accept. Exit code 78
  // (SOCKET_INVALID).
  static absl::StatusOr<Listener> Bind(const std::string& path);

  absl::Status Listen() const;
  // The first peer whose user is `peer_uid` (SO_PEERCRED); others are closed.
  absl::StatusOr<PacketSocket> Accept(uid_t peer_uid) const;

  int fd() const { return socket_.get(); }

 private:
  explicit Listener(Descriptor socket) : socket_(std::move(socket)) {}

  Descriptor socket_;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_CONNECTION_H_
