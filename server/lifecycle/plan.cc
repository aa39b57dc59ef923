#include "server/lifecycle/plan.h"

#include <algorithm>

#include "server/lifecycle/policy.h"

namespace sealward::lifecycle {
namespace {

constexpr absl::Time kNever = absl::InfiniteFuture();

// Whether the version signs, did, or is planned to.
bool HasActivation(const VersionTimes& times) {
  return times.activate != kNever && IsInOrder(times);
}

// Index of the version that is the last to begin signing, past or planned.
std::optional<size_t> LastToActivate(const std::vector<VersionTimes>& versions) {
  std::optional<size_t> last;
  for (size_t i = 0; i < versions.size(); ++i) {
    if (!HasActivation(versions[i])) continue;
    if (!last || versions[i].activate >= versions[*last].activate) last = i;
  }
  return last;
}

// Index of the first version after `now` to begin signing.
std::optional<size_t> NextToActivate(const std::vector<VersionTimes>& versions, absl::Time now) {
  std::optional<size_t> next;
  for (size_t i = 0; i < versions.size(); ++i) {
    if (!WillSign(versions[i], now)) continue;
    if (!next || versions[i].activate < versions[*next].activate) next = i;
  }
  return next;
}

// Index of the first version that can follow what is the last to sign. A version
// older than that was passed over and is not gone back to.
size_t FirstFollower(const std::vector<VersionTimes>& versions) {
  const std::optional<size_t> last = LastToActivate(versions);
  return last ? *last + 1 : 0;
}

// The end of signing of the current version, less the time that a driver may be late.
absl::Time LastSwitch(const KeyCourse& course, const VersionTimes& current) {
  return current.sign_until - course.cache.margins.switch_lead;
}

absl::Time ReadyAt(const VersionTimes& times, absl::Time now) {
  return std::max(now, times.standby);
}

// Index of the version with a key pair, published after `after`, that can follow what
// signs and is ready first; of several the newest.
std::optional<size_t> FirstReady(const KeyCourse& course, absl::Time after, absl::Time now) {
  std::optional<size_t> first;
  for (size_t i = FirstFollower(course.versions); i < course.versions.size(); ++i) {
    const VersionTimes& times = course.versions[i];
    if (!CanFollow(times, now) || times.publish == kNever || times.publish <= after) continue;
    if (first && ReadyAt(times, now) > ReadyAt(course.versions[*first], now)) continue;
    first = i;
  }
  return first;
}

// Index of the version that takes over. After a revocation one that no cache knows
// which holds the revoked key; where that comes too late for the current version's end,
// another one signs meanwhile.
std::optional<size_t> NextSuccessor(const KeyCourse& course, absl::Time now) {
  const std::optional<size_t> any = FirstReady(course, absl::InfinitePast(), now);
  const std::optional<size_t> current = CurrentVersion(course, now);
  if (!current) return any;
  const absl::Time last_switch = LastSwitch(course, course.versions[*current]);
  if (now >= last_switch) return any;
  const std::optional<size_t> fresh = FirstReady(course, FreshAfter(course), now);
  if (!fresh || ReadyAt(course.versions[*fresh], now) <= last_switch) return fresh;
  return any;
}

// When a version published at `now` is in every cache.
absl::Time ReadyFrom(const CachePolicy& cache, absl::Time now) {
  return std::max(now + cache.propagation_time, cache.earlier_promise_until);
}

// Whether something is there, or on the way, that will still do when it is needed.
bool HasFollower(const KeyCourse& course, absl::Time now) {
  const absl::Time fresh_after = FreshAfter(course);
  // One that is nearly too old is replaced while it can still step in.
  const absl::Time later = ReadyFrom(course.cache, now) + course.cache.margins.plan_slack;
  for (size_t i = FirstFollower(course.versions); i < course.versions.size(); ++i) {
    const VersionTimes& times = course.versions[i];
    if (CanFollow(times, now) && times.activate_by >= later && times.publish > fresh_after) {
      return true;
    }
  }
  return false;
}

Switch PlannedSwitch(const KeyCourse& course, size_t successor, absl::Time now) {
  Switch planned;
  planned.predecessor = SigningVersionAt(course.versions, now);
  planned.successor = successor;
  planned.at = course.versions[successor].activate;
  planned.versions = course.versions;
  planned.already_planned = true;
  return planned;
}

// Whether a newer version has begun to sign. A switch that is only planned may be
// taken back.
bool IsPassedOver(const std::vector<VersionTimes>& versions, size_t index, absl::Time now) {
  for (size_t i = index + 1; i < versions.size(); ++i) {
    if (HasActivation(versions[i]) && versions[i].activate <= now) return true;
  }
  return false;
}

// Whether a version that never signed has no use any more.
bool IsUnused(const std::vector<VersionTimes>& versions, size_t index, absl::Time now) {
  const VersionTimes& times = versions[index];
  if (times.activate != kNever || times.withdraw != kNever) return false;
  if (!IsPublished(StateAt(times, now)) || !IsInOrder(times)) return false;
  return times.activate_by <= now || IsPassedOver(versions, index, now);
}

// From when on the policy asks to destroy a version; InfiniteFuture if never.
absl::Time DestroyDue(const KeyCourse& course, const VersionTimes& times, absl::Time now) {
  if (course.rotation.destroy_after == absl::InfiniteDuration()) return kNever;
  if (times.schedule_destroy != kNever || times.destroy != kNever) return kNever;
  const State state = StateAt(times, now);
  if (state != State::kWithdrawn && state != State::kRevoked) return kNever;
  const absl::Time ended = std::min({times.withdraw, times.publish_until, times.revoke});
  return std::max(ended, times.cancel_destroy) + course.rotation.destroy_after;
}

void PlanKeyPairs(const KeyCourse& course, absl::Time now, Step& step) {
  const auto& versions = course.versions;
  for (size_t i = 0; i < versions.size() && !step.generate; ++i) {
    if (versions[i].publish == kNever && CanFollow(versions[i], now)) step.generate = i;
  }
  if (versions.empty() || HasFollower(course, now)) return;
  // These first: they may make room.
  if (step.withdraw || (step.rotate && step.rotate->at <= now)) return;
  const bool all_pending = std::ranges::all_of(
      versions, [](const VersionTimes& times) { return times.publish == kNever; });
  if (all_pending && step.generate) return;  // the first one
  (course.jwks_room > 0 ? step.add_successor : step.no_room) = true;
}

void PlanSwitch(const KeyCourse& course, absl::Time now, Step& step) {
  const absl::Time due = RotationDue(course, now);
  if (due <= now) {
    step.rotate = PlanRotation(course, now);
  } else {
    step.wake = std::min(step.wake, due);
  }
}

// What is to be done in the partition about one version.
void PlanMarks(const KeyCourse& course, size_t i, absl::Time now, Step& step) {
  const VersionTimes& times = course.versions[i];
  if (times.destroy != kNever) return;
  if (times.revoke <= now && !times.revoke_marked) step.mark_revoked = i;
  const bool scheduled = times.schedule_destroy <= now;
  if (scheduled && !times.destroy_marked) step.mark_destroy = i;
  if (!scheduled && times.destroy_marked) step.unmark_destroy = i;
  if (!scheduled || !times.destroy_marked || IsPaused(course, now)) return;
  if (times.destroy_due <= now) {
    step.destroy = i;
  } else {
    step.wake = std::min(step.wake, times.destroy_due);
  }
}

void PlanEnds(const KeyCourse& course, absl::Time now, Step& step) {
  for (size_t i = 0; i < course.versions.size(); ++i) {
    const VersionTimes& times = course.versions[i];
    if (IsUnused(course.versions, i, now)) {
      step.withdraw = i;
    } else if (times.activate == kNever && times.withdraw == kNever && times.activate_by > now) {
      // Replaced before it is too old, and withdrawn then.
      const absl::Time replace = times.activate_by - course.cache.propagation_time -
                                 course.cache.margins.plan_slack + absl::Microseconds(1);
      step.wake = std::min(step.wake, replace > now ? replace : times.activate_by);
    }
    const absl::Time destroy = DestroyDue(course, times, now);
    if (destroy > now) {
      step.wake = std::min(step.wake, destroy);
    } else if (!IsPaused(course, now)) {
      step.schedule_destroy = i;
    }
    PlanMarks(course, i, now, step);
  }
}

}  // namespace

VersionTimes TimesOfNewVersion(const KeyCourse& course, size_t index, absl::Time now) {
  VersionTimes times = course.versions[index];
  // Not in the same instant as what a revoked version stood beside.
  times.publish = std::max(now, FreshAfter(course) + absl::Microseconds(1));
  const bool no_cache_to_wait_for = index == 0 && course.cache.never_published;
  times.standby = no_cache_to_wait_for ? times.publish : ReadyFrom(course.cache, times.publish);
  times.activate_by = times.standby + course.rotation.max_standby_time;
  // What is there already is switched to by PlanRotation, and may be ready sooner.
  const bool is_alone = !NextSuccessor(course, now);
  if (is_alone && RotationDue(course, now) == absl::InfinitePast()) {
    Activate(course, times.standby, times);
  }
  return times;
}

std::optional<Switch> PlanRotation(const KeyCourse& course, absl::Time now) {
  if (const auto planned = NextToActivate(course.versions, now)) {
    return PlannedSwitch(course, *planned, now);
  }
  const std::optional<size_t> successor = NextSuccessor(course, now);
  if (!successor) return std::nullopt;
  Switch result;
  result.predecessor = CurrentVersion(course, now);
  result.successor = *successor;
  result.versions = course.versions;
  result.at = std::max(now, course.versions[*successor].standby);
  Activate(course, result.at, result.versions[*successor]);
  RetireOthers(course, *successor, result.at, result.versions);
  return result;
}

absl::Time RotationDue(const KeyCourse& course, absl::Time now) {
  if (NextToActivate(course.versions, now)) return kNever;
  const std::optional<size_t> index = CurrentVersion(course, now);
  if (!index) return absl::InfinitePast();
  const VersionTimes& current = course.versions[*index];
  if (current.sign_until <= now) return absl::InfinitePast();
  if (StateAt(current, now) == State::kSuspended) return kNever;
  const absl::Time hard_end = LastSwitch(course, current);
  absl::Time due = std::min(current.activate + course.rotation.rotation_period, current.rotate_due);
  if (IsPaused(course, now)) due = std::max(due, course.pause->expire);
  if (AwaitsFreshVersion(course, now)) due = FreshAfter(course);
  return std::min(due, hard_end);
}

bool Step::IsIdle() const {
  return !generate && !add_successor && !rotate && !withdraw && !schedule_destroy &&
         !mark_revoked && !mark_destroy && !unmark_destroy && !destroy;
}

Step PlanStep(const KeyCourse& course, absl::Time now) {
  Step step;
  step.wake = NextChange(course.versions, now);
  PlanSwitch(course, now, step);
  PlanEnds(course, now, step);
  PlanKeyPairs(course, now, step);
  if (course.pause && course.pause->expire > now) {
    step.wake = std::min(step.wake, course.pause->expire);
  }
  return step;
}

}  // namespace sealward::lifecycle
