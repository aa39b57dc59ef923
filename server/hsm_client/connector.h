// How the server gets to a sealward-hsm process: it starts one, or connects to
// one that runs under a uid of its own.
#ifndef SEALWARD_SERVER_HSM_CLIENT_CONNECTOR_H_
#define SEALWARD_SERVER_HSM_CLIENT_CONNECTOR_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/packet_socket.h"

namespace sealward::hsm_client {

// Exit codes of sealward-hsm that say why it ended (hsm/exit_codes.h documents them).
inline constexpr int kExitClean = 0;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitPartitionUnusable = 69;
inline constexpr int kExitProtocol = 70;
inline constexpr int kExitHsmLost = 75;
inline constexpr int kExitPinLatched = 77;
inline constexpr int kExitConfig = 78;

// Link is a connection to one sealward-hsm process.
struct Link {
  PacketSocket socket;
  pid_t pid = 0;          // 0 if unknown
  bool is_child = false;  // ours to reap, and to kill if it is wedged
};

// Connector makes links. Thread-compatible: one thread calls Connect.
class Connector {
 public:
  virtual ~Connector() = default;
  // A new link for `slot` (0, 1, …). UNAVAILABLE if there is none now;
  // FAILED_PRECONDITION if trying again is useless until an operator acts.
  virtual absl::StatusOr<std::unique_ptr<Link>> Connect(int slot) = 0;
};

// Starts `binary serve --dir partition_directory --fd 3` on one end of a
// socketpair. Holding the other end is the authority; the process ends when it
// is closed. The process gets an environment of its own (nothing but what a
// sanitizer needs), its own process group (a Ctrl-C in our terminal does not
// interrupt a login) and no other descriptor.
std::unique_ptr<Connector> MakeSpawnConnector(absl::string_view binary,
                                              absl::string_view partition_directory);

// What there is against a process that listens, by its SO_PEERCRED; OK for nothing.
using PeerCheck = std::function<absl::Status(pid_t pid, uid_t uid)>;

// Connects to sockets that processes listen on; slot i uses paths[i]. A process that
// `check` refuses is hung up on before it has got anything.
std::unique_ptr<Connector> MakeSocketConnector(std::vector<std::string> paths, PeerCheck check);

// What an exit status (as of waitpid) means, for people.
std::string DescribeExit(int wait_status);

}  // namespace sealward::hsm_client

#endif  // SEALWARD_SERVER_HSM_CLIENT_CONNECTOR_H_
