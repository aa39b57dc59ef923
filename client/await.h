// Private to client/: waiting for what a callback gets.
#ifndef SEALWARD_CLIENT_AWAIT_H_
#define SEALWARD_CLIENT_AWAIT_H_

#include <utility>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "client/callback_scope.h"

namespace sealward::client {

// Runs `start` with a callback and waits for what that gets. CALLED_IN_CALLBACK
// (callback_scope.h) instead where that would be a deadlock.
template <typename T, typename StartFunction>
absl::StatusOr<T> Await(StartFunction start) {
  if (absl::Status status = CallbackScope::MayBlock(); !status.ok()) return status;
  absl::StatusOr<T> result;
  absl::Notification finished;
  start([&result, &finished](absl::StatusOr<T> outcome) {
    result = std::move(outcome);
    finished.Notify();
  });
  finished.WaitForNotification();
  return result;
}

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_AWAIT_H_
