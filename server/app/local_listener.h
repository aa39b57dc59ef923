// Operators on this machine: a UNIX socket, and who the kernel says they are.
#ifndef SEALWARD_SERVER_APP_LOCAL_LISTENER_H_
#define SEALWARD_SERVER_APP_LOCAL_LISTENER_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/app/admin_services.h"
#include "server/auth/identity.h"

namespace sealward::app {

// Different users that have ever connected; one more is refused.
inline constexpr size_t kMaxLocalUsers = 32;
// Connections that wait to be accepted.
inline constexpr int kLocalBacklog = 64;

// LocalListener serves the administrative API on a UNIX socket. A caller's
// principal is uid:<number>, by SO_PEERCRED of the connection; bindings give it
// its rights as they do anybody's. gRPC tells a handler nothing of that, so each
// user has a gRPC server of its own, made at the first connection, whose services
// know one caller only: nothing maps a connection to a user, so nothing can map it
// wrong.
class LocalListener {
 public:
  struct Options {
    std::string path;  // absolute
    // The services for the one caller that `identities` tells.
    std::function<std::unique_ptr<AdminServices>(auth::IdentitySource* identities)> services;
  };

  // Listens; the socket's mode is 0660. A socket that nobody answers on is what a
  // kill left, and is replaced. FAILED_PRECONDITION for one that somebody answers
  // on, for what is no socket, and for a path that cannot be bound;
  // INVALID_ARGUMENT for one that is too long.
  static absl::StatusOr<std::unique_ptr<LocalListener>> Start(Options options);
  // Stops at once.
  ~LocalListener();

  const std::string& path() const { return options_.path; }

  // Accepts no more, lets calls under way finish until `deadline`, removes the
  // socket. Calling it again does nothing.
  void Stop(std::chrono::system_clock::time_point deadline);

 private:
  struct User;
  LocalListener(Options options, int listener, int wake);
  void Accept();
  void Serve(int connection);
  User* UserOf(uid_t uid) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  const int listener_;
  const int wake_;  // an eventfd that ends Accept
  absl::Mutex mu_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_map<uid_t, std::unique_ptr<User>> users_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_LOCAL_LISTENER_H_
