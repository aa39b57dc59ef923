// Private to client/: callbacks that wait for one thing.
#ifndef SEALWARD_CLIENT_WAITERS_H_
#define SEALWARD_CLIENT_WAITERS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/timer.h"

namespace sealward::client {

// Most callbacks in one Waiters.
inline constexpr size_t kMaxWaiters = 65'536;

using WaiterCallback = absl::AnyInvocable<void(absl::Status)>;

// Waiters is a queue of callbacks, first come, first told. Each runs once: OK,
// DEADLINE_EXCEEDED at its deadline, or CANCELLED by Close. Errors of Add:
// RESOURCE_EXHAUSTED (TOO_MANY_WAITERS), CANCELLED after Close. Thread-safe.
class Waiters : public std::enable_shared_from_this<Waiters> {
 public:
  // REQUIRES: both outlive it.
  Waiters(const Clock* clock, TimerFactory* timers) : clock_(clock), timers_(timers) {}

  // Takes `done`, unless it returns an error. `due`: it happened already; `done` runs
  // at once, on a thread of the timers.
  absl::Status Add(bool due, absl::Time deadline, WaiterCallback& done);
  // Tells the first `most`.
  void Tell(size_t most);
  // Tells everybody, now and from now on, and returns after their callbacks.
  void Close();

 private:
  using Id = uint64_t;
  struct Waiter {
    WaiterCallback done;
    std::shared_ptr<Timer> timer;
  };

  // The first of them, no longer in the queue and counted as running.
  std::vector<Waiter> Take(size_t most);
  void Run(std::vector<Waiter> waiters, const absl::Status& status);
  void Expire(Id id, const absl::Status& status);

  const Clock* const clock_;
  TimerFactory* const timers_;
  absl::Mutex mu_;
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  size_t running_ ABSL_GUARDED_BY(mu_) = 0;
  Id last_id_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<Id, Waiter> waiters_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_WAITERS_H_
