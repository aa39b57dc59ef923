#include "server/lifecycle/forecast.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "server/lifecycle/intervene.h"
#include "server/lifecycle/plan.h"

namespace sealward::lifecycle {
namespace {

constexpr absl::Time kNever = absl::InfiniteFuture();
// A step that leaves something due at the same time again is one of this many at most:
// each moves one version one state.
constexpr int kMaxStepsAtOnce = 1000;

bool TakesRoom(const VersionTimes& times, absl::Time now) {
  const State state = StateAt(times, now);
  return IsPublished(state) || state == State::kPending;
}

int RoomTaken(const KeyCourse& course, absl::Time now) {
  return static_cast<int>(std::ranges::count_if(
      course.versions, [now](const VersionTimes& times) { return TakesRoom(times, now); }));
}

// Does at `now` all that `step` asks for, as if the HSM answered at once.
void Take(const Step& step, absl::Time now, KeyCourse& course) {
  if (step.rotate) course.versions = step.rotate->versions;
  if (step.generate) {
    course.versions[*step.generate] = TimesOfNewVersion(course, *step.generate, now);
    course.cache.never_published = false;
  }
  if (step.withdraw) course.versions[*step.withdraw].withdraw = now;
  if (step.schedule_destroy) course.versions = ScheduleDestroy(course, *step.schedule_destroy, now);
  if (step.mark_revoked) course.versions[*step.mark_revoked].revoke_marked = true;
  if (step.mark_destroy) course.versions[*step.mark_destroy].destroy_marked = true;
  if (step.unmark_destroy) course.versions[*step.unmark_destroy].destroy_marked = false;
  if (step.destroy) course.versions[*step.destroy].destroy = now;
  if (step.add_successor) course.versions.emplace_back();
}

// Reporter notes each version's change of state.
class Reporter {
 public:
  Reporter(const KeyCourse& course, absl::Time now, Forecast& out) : out_(out) {
    for (const VersionTimes& times : course.versions) states_.push_back(StateAt(times, now));
    signer_ = SigningVersionAt(course.versions, now);
  }

  void Look(const KeyCourse& course, absl::Time now) {
    states_.resize(course.versions.size(), State::kPending);
    const auto signer = SigningVersionAt(course.versions, now);
    for (size_t i = 0; i < states_.size(); ++i) {
      const State state = StateAt(course.versions[i], now);
      if (state == states_[i]) continue;
      states_[i] = state;
      if (out_.events.size() == kMaxForecastEvents) {
        out_.truncated = true;
        return;
      }
      const bool takes_over = state == State::kActive && signer_ && *signer_ != i;
      out_.events.push_back({now, i, state, takes_over ? signer_ : std::optional<size_t>()});
    }
    if (signer) signer_ = signer;
  }

 private:
  Forecast& out_;
  std::vector<State> states_;
  std::optional<size_t> signer_;  // the last that there was
};

}  // namespace

Forecast ForecastKey(KeyCourse course, absl::Time now, absl::Time until) {
  Forecast forecast;
  // Of the room, what this key's own versions leave or take.
  const bool bounded = course.jwks_room != std::numeric_limits<int>::max();
  const int budget = bounded ? course.jwks_room + RoomTaken(course, now) : 0;
  Reporter reporter(course, now, forecast);
  absl::Time at = now;
  int steps = 0;
  while (at <= until && !forecast.truncated) {
    if (bounded) course.jwks_room = budget - RoomTaken(course, at);
    const Step step = PlanStep(course, at);
    Take(step, at, course);
    reporter.Look(course, at);
    if (!step.IsIdle() && ++steps < kMaxStepsAtOnce) continue;
    forecast.no_room |= step.no_room;
    steps = 0;
    if (step.wake == kNever || step.wake <= at) break;
    at = step.wake;
  }
  forecast.versions = std::move(course.versions);
  return forecast;
}

}  // namespace sealward::lifecycle
