#include "tests/unit/lifecycle/history.h"

#include <optional>

namespace sealward::lifecycle {

void History::Do(Action action, int seconds) {
  now_ += absl::Seconds(seconds);
  switch (action) {
    case Action::kWait:
      return;
    case Action::kRunDriver:
      return RunDriver();
    case Action::kBreakHsm:
      hsm_works_ = false;
      return;
    case Action::kMendHsm:
      hsm_works_ = true;
      return;
    case Action::kRotate:
      return Rotate();
  }
}

void History::RunDriver() {
  for (;;) {
    const KeyCourse course = Course(versions_, policy_);
    const Step step = PlanStep(course, now_);
    if (step.generate && hsm_works_) {
      versions_[*step.generate] = TimesOfNewVersion(course, *step.generate, now_);
    } else if (step.add_successor) {
      versions_.push_back(VersionTimes{});
    } else if (step.withdraw) {
      versions_[*step.withdraw].withdraw = now_;
    } else {
      return;
    }
  }
}

void History::Rotate() {
  const std::optional<Switch> planned = PlanRotation(versions_, policy_, now_);
  if (planned) versions_ = planned->versions;
}

std::vector<absl::Time> History::Moments() const {
  std::vector<absl::Time> moments = {now_};
  for (const VersionTimes& times : versions_) {
    for (const absl::Time time :
         {times.publish, times.standby, times.activate, times.retire, times.withdraw}) {
      if (time == absl::InfiniteFuture()) continue;
      for (const int offset : {-1, 0, 1}) moments.push_back(time + absl::Seconds(offset));
    }
  }
  return moments;
}

History Script::Play() const {
  CachePolicy policy;
  policy.propagation_time = absl::Seconds(propagation_s);
  policy.max_jwt_lifetime = absl::Seconds(lifetime_s);
  policy.never_published = never_published;
  History history(policy, absl::FromUnixSeconds(1'800'000'000));
  for (const auto& [action, seconds] : actions) history.Do(static_cast<Action>(action), seconds);
  return history;
}

}  // namespace sealward::lifecycle
