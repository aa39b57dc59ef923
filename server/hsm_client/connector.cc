#include "server/hsm_client/connector.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/failpoint.h"
#include "common/measures.h"

namespace sealward::hsm_client {
namespace {

constexpr int kChildSocket = 3;

// What the process may see of our environment: options of the sanitizers that
// it may have been built with. Nothing else: an environment outlives its use.
constexpr std::array kPassedVariables = {
    "ASAN_OPTIONS",       "LSAN_OPTIONS",   "TSAN_OPTIONS", "UBSAN_OPTIONS", "LLVM_PROFILE_FILE",
#ifdef SEALWARD_FAILPOINTS
    failpoint::kVariable, kWithoutVariable,
#endif
};

std::vector<std::string> ChildEnvironment() {
  std::vector<std::string> environment = {"LANG=C.UTF-8", "LD_BIND_NOW=1"};
  for (const char* name : kPassedVariables) {
    if (const char* value = std::getenv(name)) {
      environment.push_back(absl::StrCat(name, "=", value));
    }
  }
  return environment;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& each : strings) pointers.push_back(each.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Owns the attribute objects of posix_spawn.
class SpawnSetup {
 public:
  explicit SpawnSetup(int socket) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, socket, kChildSocket);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

class SpawnConnector final : public Connector {
 public:
  SpawnConnector(absl::string_view binary, absl::string_view directory)
      : binary_(binary), directory_(directory) {}

  absl::StatusOr<std::unique_ptr<Link>> Connect(int /*slot*/) override {
    auto pair = PacketSocket::Pair();
    if (!pair.ok()) return pair.status();
    std::vector<std::string> arguments = {binary_,    "serve", "--dir",
                                          directory_, "--fd",  absl::StrCat(kChildSocket)};
    std::vector<std::string> environment = ChildEnvironment();
    const SpawnSetup setup(pair->second.fd());
    pid_t pid = 0;
    const int error = posix_spawn(&pid, binary_.c_str(), setup.actions(), setup.attributes(),
                                  Pointers(arguments).data(), Pointers(environment).data());
    if (error == ENOENT || error == EACCES) {
      return absl::FailedPreconditionError(
          absl::StrCat("cannot start ", binary_, ": ", std::strerror(error),
                       "; set hsm.binary in the server's configuration"));
    }
    if (error != 0) {
      return absl::UnavailableError(
          absl::StrCat("cannot start ", binary_, ": ", std::strerror(error)));
    }
    return std::make_unique<Link>(Link{std::move(pair->first), pid, true});
  }

 private:
  const std::string binary_;
  const std::string directory_;
};

class SocketConnector final : public Connector {
 public:
  SocketConnector(std::vector<std::string> paths, PeerCheck check)
      : paths_(std::move(paths)), check_(std::move(check)) {}

  absl::StatusOr<std::unique_ptr<Link>> Connect(int slot) override {
    const std::string& path = paths_[static_cast<size_t>(slot)];
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
      return absl::FailedPreconditionError(absl::StrCat("socket path ", path, " is too long"));
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0) return absl::UnavailableError(std::strerror(errno));
    PacketSocket socket(fd);
    // The sockets interface wants the generic address type.
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      return absl::UnavailableError(
          absl::StrCat("no sealward-hsm answers on ", path, ": ", std::strerror(errno)));
    }
    ucred peer{};
    socklen_t length = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
      return absl::UnavailableError(absl::StrCat("SO_PEERCRED: ", std::strerror(errno)));
    }
    if (absl::Status s = check_(peer.pid, peer.uid); !s.ok()) return s;
    return std::make_unique<Link>(Link{std::move(socket), peer.pid, false});
  }

 private:
  const std::vector<std::string> paths_;
  const PeerCheck check_;
};

}  // namespace

std::unique_ptr<Connector> MakeSpawnConnector(absl::string_view binary,
                                              absl::string_view partition_directory) {
  return std::make_unique<SpawnConnector>(binary, partition_directory);
}

std::unique_ptr<Connector> MakeSocketConnector(std::vector<std::string> paths, PeerCheck check) {
  return std::make_unique<SocketConnector>(std::move(paths), std::move(check));
}

std::string DescribeExit(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    return absl::StrCat("ended by signal ", WTERMSIG(wait_status));
  }
  switch (const int code = WEXITSTATUS(wait_status)) {
    case kExitClean:
      return "ended with its socket";
    case kExitPartitionUnusable:
      return "partition unusable: see sealward-hsm's own log line above";
    case kExitProtocol:
      return "ended on a request that breaks the protocol";
    case kExitHsmLost:
      return "the HSM or the login to it is gone: see sealward-hsm's own log line above";
    case kExitPinLatched:
      return "PIN refused by the partition, and not presented again: put the right PIN in place, "
             "then run `sealward-hsm clear-pin-latch`";
    case kExitConfig:
      return "bad configuration of the partition directory: see sealward-hsm's log line above";
    default:
      return absl::StrCat("exit code ", code);
  }
}

}  // namespace sealward::hsm_client
