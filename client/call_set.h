// Private to client/: the calls under way, and room for more.
#ifndef SEALWARD_CLIENT_CALL_SET_H_
#define SEALWARD_CLIENT_CALL_SET_H_

#include <cstddef>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/waiters.h"

namespace sealward::client {

class RetryingCall;

// CallSet is the calls under way, at most so many. Thread-safe.
class CallSet {
 public:
  // REQUIRES: `clock` and `timers` outlive it.
  CallSet(size_t max_calls, const Clock* clock, TimerFactory* timers)
      : max_calls_(max_calls), waiters_(std::make_shared<Waiters>(clock, timers)) {}
  ~CallSet() { CancelAllAndWait(); }

  // Takes `call` in, once there is room: waits for it until `wait_until`, on this
  // thread. RESOURCE_EXHAUSTED (TOO_MANY_CALLS) without room; CANCELLED once it is
  // closing. After an error the set stays until Refused, so that the call can be told.
  absl::Status Add(std::shared_ptr<RetryingCall> call, absl::Time wait_until);
  void Refused();
  void Remove(const std::shared_ptr<RetryingCall>& call);
  // Runs `done` when there is room; errors as Waiters.
  void WhenRoom(absl::Time deadline, WaiterCallback done);
  // Refuses new calls, cancels the others and returns when none is left.
  void CancelAllAndWait();

 private:
  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return calls_.size() < max_calls_; }

  const size_t max_calls_;
  const std::shared_ptr<Waiters> waiters_;
  absl::Mutex mu_;
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  int adding_ ABSL_GUARDED_BY(mu_) = 0;  // threads in Add, or before Refused
  absl::flat_hash_set<std::shared_ptr<RetryingCall>> calls_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_CALL_SET_H_
