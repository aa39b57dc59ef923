#include "server/api/held_answers.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace sealward::api {
namespace {

// Spreads any row of numbers evenly: multiples of the golden ratio, without their whole part.
absl::Duration HoldOf(uint64_t number) {
  const uint64_t fraction = number * 0x9e3779b97f4a7c15U;
  return kMinRefusalHold +
         (kMaxRefusalHold - kMinRefusalHold) * std::ldexp(static_cast<double>(fraction), -64);
}

}  // namespace

HeldAnswers::HeldAnswers(TimerFactory* timers)
    : timers_(timers == nullptr ? GrpcTimers() : timers) {}

HeldAnswers::~HeldAnswers() {
  std::vector<std::shared_ptr<Timer>> timers;
  {
    absl::MutexLock lock(&held_->mu);
    for (const auto& [_, timer] : held_->timers) timers.push_back(timer);
  }
  for (const auto& timer : timers) timer->Cancel();
}

void HeldAnswers::Hold(absl::Time now, absl::Time deadline, absl::AnyInvocable<void()> answer) {
  // Half of what is left: the answer has to get there.
  const absl::Duration longest = (deadline - now) / 2;
  {
    absl::MutexLock lock(&held_->mu);
    if (longest > absl::ZeroDuration() && held_->timers.size() < kMaxHeldAnswers) {
      const uint64_t number = held_->next++;
      const absl::Duration hold = std::min(HoldOf(number), longest);
      // Waits for the lock, should it be run before its timer is in the table.
      auto run = [held = held_, number, answer = std::move(answer)]() mutable {
        absl::ReleasableMutexLock running(&held->mu);
        const auto timer = held->timers.extract(number);
        running.Release();
        answer();
      };
      held_->timers.emplace(number, timers_->Start(hold, std::move(run)));
      return;
    }
  }
  answer();
}

}  // namespace sealward::api
