#include "server/app/local_listener.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/server_posix.h"
#include "server/app/grpc_listener.h"
#include "server/auth/principal.h"
#include "server/telemetry/logging.h"

namespace sealward::app {
namespace {

constexpr mode_t kSocketMode = 0660;
// After an accept that failed: trying again at once would take a whole core.
constexpr int kAcceptRetryMs = 100;

absl::Status CannotListen(const std::string& path, absl::string_view why) {
  return absl::FailedPreconditionError(
      absl::StrCat("cannot listen on ", path, " (grpc.local_listen): ", why));
}

absl::Status CannotListen(const std::string& path) {
  return CannotListen(path, std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
}

absl::StatusOr<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(
        absl::StrCat("grpc.local_listen is longer than ", sizeof(address.sun_path) - 1, " bytes"));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* Generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// Removes the socket of a server that was killed.
absl::Status RemoveStale(const std::string& path, const sockaddr_un& address) {
  struct stat found{};
  if (lstat(path.c_str(), &found) != 0) {
    return errno == ENOENT ? absl::OkStatus() : CannotListen(path);
  }
  if (!S_ISSOCK(found.st_mode)) return CannotListen(path, "there is something that is no socket");
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return CannotListen(path);
  const bool answered = connect(probe, Generic(address), sizeof(address)) == 0;
  const bool stale = !answered && errno == ECONNREFUSED;
  close(probe);
  if (!stale) return CannotListen(path, "another process uses it; stop that one");
  return unlink(path.c_str()) == 0 ? absl::OkStatus() : CannotListen(path);
}

// A socket that listens, with its mode from the first moment on.
absl::StatusOr<int> Listen(const std::string& path, const sockaddr_un& address) {
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0) return CannotListen(path);
  // bind(2) makes the file with the mode of the descriptor, less the umask.
  if (fchmod(listener, kSocketMode) == 0 &&
      bind(listener, Generic(address), sizeof(address)) == 0 &&
      chmod(path.c_str(), kSocketMode) == 0 && listen(listener, kLocalBacklog) == 0) {
    return listener;
  }
  absl::Status status = CannotListen(path);
  close(listener);
  return status;
}

// The one caller of a user's server.
class OneCaller final : public auth::IdentitySource {
 public:
  explicit OneCaller(uid_t uid) {
    auto identity = std::make_shared<auth::Identity>();
    identity->principal = auth::UidPrincipal(uid);
    identity_ = std::move(identity);
  }
  absl::StatusOr<std::shared_ptr<const auth::Identity>> Read(
      const grpc::AuthContext& /*context*/) override {
    return identity_;
  }

 private:
  std::shared_ptr<const auth::Identity> identity_;
};

}  // namespace

// In the order in which they are made: the server ends first.
struct LocalListener::User {
  explicit User(uid_t uid) : caller(uid) {}
  OneCaller caller;
  std::unique_ptr<AdminServices> services;
  std::unique_ptr<grpc::Server> server;
};

absl::StatusOr<std::unique_ptr<LocalListener>> LocalListener::Start(Options options) {
  const auto address = AddressOf(options.path);
  if (!address.ok()) return address.status();
  if (absl::Status s = RemoveStale(options.path, *address); !s.ok()) return s;
  const auto listener = Listen(options.path, *address);
  if (!listener.ok()) return listener.status();
  const int wake = eventfd(0, EFD_CLOEXEC);
  if (wake < 0) {
    close(*listener);
    return CannotListen(options.path);
  }
  std::unique_ptr<LocalListener> local(new LocalListener(std::move(options), *listener, wake));
  local->thread_ = std::thread([raw = local.get()] { raw->Accept(); });
  return local;
}

LocalListener::LocalListener(Options options, int listener, int wake)
    : options_(std::move(options)), listener_(listener), wake_(wake) {}

LocalListener::~LocalListener() {
  Stop(std::chrono::system_clock::now());
  close(listener_);
  close(wake_);
}

void LocalListener::Accept() {
  std::array<pollfd, 2> waiting{{{listener_, POLLIN, 0}, {wake_, POLLIN, 0}}};
  while (true) {
    if (poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
    if (waiting[1].revents != 0) return;
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection >= 0) {
      Serve(connection);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      pollfd end{wake_, POLLIN, 0};
      if (poll(&end, 1, kAcceptRetryMs) > 0) return;
    }
  }
}

// Takes the descriptor over.
void LocalListener::Serve(int connection) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    close(connection);
    return;
  }
  const absl::MutexLock lock(&mu_);
  User* user = stopped_ ? nullptr : UserOf(peer.uid);
  if (user == nullptr) {
    close(connection);
    return;
  }
  grpc::AddInsecureChannelFromFd(user->server.get(), connection);
}

LocalListener::User* LocalListener::UserOf(uid_t uid) {
  const auto known = users_.find(uid);
  if (known != users_.end()) return known->second.get();
  if (users_.size() >= kMaxLocalUsers) {
    telemetry::Log(telemetry::Level::kWarning, "connection_refused",
                   {{"principal", auth::UidPrincipal(uid)},
                    {"reason", "too many different users on grpc.local_listen"}});
    return nullptr;
  }
  auto user = std::make_unique<User>(uid);
  user->services = options_.services(&user->caller);
  grpc::ServerBuilder builder;
  GrpcListener::SetLimits(builder);
  for (grpc::Service* service : user->services->all()) builder.RegisterService(service);
  user->server = builder.BuildAndStart();
  if (user->server == nullptr) return nullptr;
  return users_.emplace(uid, std::move(user)).first->second.get();
}

void LocalListener::Stop(std::chrono::system_clock::time_point deadline) {
  absl::flat_hash_map<uid_t, std::unique_ptr<User>> users;
  {
    const absl::MutexLock lock(&mu_);
    if (std::exchange(stopped_, true)) return;
    users.swap(users_);
  }
  unlink(options_.path.c_str());
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof(one));
  if (thread_.joinable()) thread_.join();
  for (auto& [uid, user] : users) {
    user->server->Shutdown(deadline);
    user->server->Wait();
  }
}

}  // namespace sealward::app
