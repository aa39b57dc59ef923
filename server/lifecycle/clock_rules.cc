#include "server/lifecycle/clock_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace sealward::lifecycle {
namespace {

constexpr absl::Time kNever = absl::InfiniteFuture();

std::string Text(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string Text(absl::Duration duration) {
  return absl::FormatDuration(absl::Trunc(duration, absl::Seconds(1)));
}

// Why a clock that is `ahead` of what it should be cannot be followed; empty if it can.
std::string StepWithinBoot(absl::Duration ahead, absl::Time expected, absl::Time realtime) {
  if (absl::AbsDuration(ahead) <= kClockStepLimit) return "";
  return absl::StrCat("the system's clock was set ",
                      ahead > absl::ZeroDuration() ? "ahead" : "back", " by ",
                      Text(absl::AbsDuration(ahead)), ": it says ", Text(realtime),
                      " where it should say ", Text(expected));
}

std::string StepAcrossBoot(absl::Duration ahead, absl::Time last, absl::Time realtime) {
  if (ahead < -kClockStepLimit) {
    return absl::StrCat("after the boot the system's clock says ", Text(realtime),
                        ", but before it was ", Text(last), " already");
  }
  if (ahead > kLongestDowntime) {
    return absl::StrCat("after the boot the system's clock says ", Text(realtime), ", ",
                        Text(ahead), " after ", Text(last), ", when the server last ran");
  }
  return "";
}

// Of `straight`, which the clocks make the time, how much earlier or later it is to be
// so that lifecycle time nears `realtime` at no more than the slew rates.
absl::Duration Slew(absl::Duration ahead, absl::Duration elapsed) {
  return std::clamp(ahead, -kSlowerBy * elapsed, kFasterBy * elapsed);
}

}  // namespace

bool IsFrozen(const ClockState& state) { return state.frozen != kNever; }

absl::Time LifecycleTime(const ClockState& state) {
  return IsFrozen(state) ? state.frozen : state.time;
}

ClockState Observe(const ClockState& state, const ClockReading& reading) {
  ClockState next = state;
  next.boottime = reading.boottime;
  if (next.boot_id != reading.boot_id) next.boot_id = std::string(reading.boot_id);
  if (state.time == absl::InfinitePast()) {
    next.time = reading.realtime;
    return next;
  }
  const bool same_boot = state.boot_id == reading.boot_id && reading.boottime >= state.boottime;
  const absl::Duration elapsed =
      same_boot ? reading.boottime - state.boottime : absl::ZeroDuration();
  const absl::Time straight = state.time + elapsed;
  next.time = straight;
  if (IsFrozen(state) && !state.waiting) return next;
  const absl::Duration ahead = reading.realtime - straight;
  std::string step = same_boot ? StepWithinBoot(ahead, straight, reading.realtime)
                               : StepAcrossBoot(ahead, straight, reading.realtime);
  if (!step.empty()) {
    next.frozen = state.waiting ? state.frozen : straight;
    next.waiting = false;
    next.reason = std::move(step);
    return next;
  }
  next.time = same_boot ? straight + Slew(ahead, elapsed) : std::max(straight, reading.realtime);
  if (state.waiting && next.time >= state.frozen) {
    next.frozen = kNever;
    next.waiting = false;
    next.reason.clear();
  }
  return next;
}

ClockState Confirm(const ClockState& state, const ClockReading& reading) {
  ClockState next;
  next.time = reading.realtime;
  next.boottime = reading.boottime;
  next.boot_id = std::string(reading.boot_id);
  if (reading.realtime >= state.frozen) return next;
  next.frozen = state.frozen;
  next.waiting = true;
  next.reason = absl::StrCat("the system's clock, which is confirmed, is behind lifecycle time, ",
                             "which never goes back and goes on from ", Text(state.frozen));
  return next;
}

}  // namespace sealward::lifecycle
