// A clock that stands still until a test moves it.
#ifndef SEALWARD_TESTS_FAKES_MANUAL_CLOCK_H_
#define SEALWARD_TESTS_FAKES_MANUAL_CLOCK_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"

namespace sealward::fakes {

// ManualClock tells what it was set to. Thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(absl::Time now = absl::FromUnixSeconds(1'700'000'000)) : now_(now) {}
  absl::Time Now() const override {
    absl::MutexLock lock(&mu_);
    return now_;
  }
  void Advance(absl::Duration by) {
    absl::MutexLock lock(&mu_);
    now_ += by;
  }

 private:
  mutable absl::Mutex mu_;
  absl::Time now_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::fakes

#endif  // SEALWARD_TESTS_FAKES_MANUAL_CLOCK_H_
