// Timers that keep what was asked for and do not wait.
#ifndef SEALWARD_TESTS_FAKES_RECORDING_TIMERS_H_
#define SEALWARD_TESTS_FAKES_RECORDING_TIMERS_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/timer.h"

namespace sealward::fakes {

// RecordingTimers fires at once, or, when told to stall, on Cancel only.
class RecordingTimers final : public TimerFactory {
 public:
  explicit RecordingTimers(bool stall = false) : stall_(stall) {}

  std::shared_ptr<Timer> Start(absl::Duration delay, absl::AnyInvocable<void()> callback) override {
    absl::MutexLock lock(&mu_);
    delays_.push_back(delay);
    return GrpcTimers()->Start(stall_ ? absl::Hours(1) : absl::ZeroDuration(), std::move(callback));
  }

  std::vector<absl::Duration> delays() const {
    absl::MutexLock lock(&mu_);
    return delays_;
  }

  // Returns when `count` timers have been started.
  void AwaitStarted(size_t count) const {
    absl::MutexLock lock(&mu_);
    const auto enough = [this, count]()
                            ABSL_SHARED_LOCKS_REQUIRED(mu_) { return delays_.size() >= count; };
    mu_.Await(absl::Condition(&enough));
  }

 private:
  const bool stall_;
  mutable absl::Mutex mu_;
  std::vector<absl::Duration> delays_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::fakes

#endif  // SEALWARD_TESTS_FAKES_RECORDING_TIMERS_H_
