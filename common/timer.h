// Waiting without a blocked thread, and without a clock in the tests.
#ifndef SEALWARD_COMMON_TIMER_H_
#define SEALWARD_COMMON_TIMER_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

namespace sealward {

// Timer is one pending wake-up. Its callback runs exactly once, on a thread of
// the TimerFactory: after the delay, or soon after Cancel. Dropping the last
// reference before that counts as Cancel.
class Timer {
 public:
  virtual ~Timer() = default;
  // Makes the callback run now. Does nothing if it ran already. Thread-safe.
  virtual void Cancel() = 0;
};

// TimerFactory starts timers. Thread-safe.
class TimerFactory {
 public:
  virtual ~TimerFactory() = default;
  // Runs `callback` after `delay`, never before Start returns on this thread.
  virtual std::shared_ptr<Timer> Start(absl::Duration delay,
                                       absl::AnyInvocable<void()> callback) = 0;
};

// The one that gRPC's own threads drive. Never destroyed.
TimerFactory* GrpcTimers();

}  // namespace sealward

#endif  // SEALWARD_COMMON_TIMER_H_
