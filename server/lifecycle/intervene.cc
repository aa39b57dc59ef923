#include "server/lifecycle/intervene.h"

#include <algorithm>

#include "server/lifecycle/policy.h"

namespace sealward::lifecycle {
namespace {

constexpr absl::Time kNever = absl::InfiniteFuture();

// Takes the planned switch to `index` back. What signs until then, or should, is
// still to be replaced at that time.
void PutOff(const KeyCourse& course, size_t index, absl::Time now,
            std::vector<VersionTimes>& versions) {
  const absl::Time due = versions[index].activate;
  Unplan(index, now, versions);
  if (const auto current = CurrentVersion(course, now); current && *current != index) {
    versions[*current].rotate_due = std::min(versions[*current].rotate_due, due);
  }
}

bool IsEnded(const VersionTimes& times, absl::Time now) {
  const State state = StateAt(times, now);
  return state == State::kRevoked || state == State::kDestroyed;
}

// The newest version in `state` that can take over.
std::optional<size_t> NewestIn(const std::vector<VersionTimes>& versions, State state,
                               absl::Time now) {
  for (size_t i = versions.size(); i > 0; --i) {
    const VersionTimes& times = versions[i - 1];
    const bool usable = CanFollow(times, now) || WillSign(times, now);
    if (usable && StateAt(times, now) == state) return i - 1;
  }
  return std::nullopt;
}

// When the newest version was published that stood in the JWKS beside versions[index],
// which is revoked at `now`. InfinitePast if it never stood there.
absl::Time NewestBeside(const std::vector<VersionTimes>& versions, size_t index, absl::Time now) {
  const VersionTimes& revoked = versions[index];
  const absl::Time end = std::min({now, revoked.withdraw, revoked.publish_until});
  absl::Time newest = absl::InfinitePast();
  if (revoked.publish > end) return newest;
  for (const VersionTimes& times : versions) {
    if (times.publish <= end) newest = std::max(newest, times.publish);
  }
  return newest;
}

// `versions[index]` signs from `at` on, instead of whatever else was to.
void Promote(const KeyCourse& course, size_t index, absl::Time at, absl::Time now,
             std::vector<VersionTimes>& versions) {
  for (size_t i = 0; i < versions.size(); ++i) {
    if (WillSign(versions[i], now)) Unplan(i, now, versions);
  }
  Activate(course, at, versions[index]);
  RetireOthers(course, index, at, versions);
}

// Puts another version in the place of the revoked one.
void Replace(const KeyCourse& course, WithoutStandby choice, absl::Time now, Revocation& result) {
  std::vector<VersionTimes>& versions = result.versions;
  if (const auto standby = NewestIn(versions, State::kStandby, now)) {
    Promote(course, *standby, now, now, versions);
    result.promoted = standby;
    return;
  }
  result.unserved = true;
  const auto staged = NewestIn(versions, State::kStaged, now);
  if (!staged) return;  // the next one activates itself (TimesOfNewVersion)
  if (choice == WithoutStandby::kRefuse) {
    Promote(course, *staged, versions[*staged].standby, now, versions);
    result.served_again = versions[*staged].standby;
    return;
  }
  versions[*staged].standby = now;
  versions[*staged].unready = true;
  Promote(course, *staged, now, now, versions);
  result.promoted = staged;
  result.unready = true;
  result.unserved = false;
}

// Moves a planned activation to `at`, and with it the end of what signs until then.
void Postpone(const KeyCourse& course, size_t index, absl::Time at, absl::Time now,
              std::vector<VersionTimes>& versions) {
  Unplan(index, now, versions);
  Activate(course, at, versions[index]);
  RetireOthers(course, index, at, versions);
}

void ChangeSigningTime(const KeyCourse& course, const RotationPolicy& rotation, absl::Time now,
                       VersionTimes& times) {
  if (times.activate == kNever || times.retire <= now || times.sign_until <= now) return;
  if (!IsPublished(StateAt(times, now))) return;
  // A successor that is generated now is ready before the new end.
  const absl::Time soonest = now + course.cache.propagation_time + course.cache.margins.plan_slack +
                             course.cache.margins.switch_lead;
  absl::Time end = times.activate + rotation.max_signing_time;
  if (end < times.sign_until) end = std::min(times.sign_until, std::max(end, soonest));
  times.sign_until = end;
  times.publish_until =
      std::max(times.publish_until, times.sign_until + RetentionTime(course.cache));
}

}  // namespace

Revocation Revoke(const KeyCourse& course, std::span<const size_t> which, WithoutStandby choice,
                  absl::Time now) {
  Revocation result;
  result.versions = course.versions;
  const std::optional<size_t> current = CurrentVersion(course, now);
  bool current_revoked = false;
  for (const size_t i : which) {
    VersionTimes& times = result.versions[i];
    if (IsEnded(times, now)) continue;
    // What was to retire for it goes on, and what was to follow is looked for below.
    if (WillSign(times, now)) PutOff(course, i, now, result.versions);
    times.fresh_after = std::max(times.fresh_after, NewestBeside(result.versions, i, now));
    times.revoke = now;
    result.revoked.push_back(i);
    current_revoked |= current == i;
  }
  if (current_revoked) Replace(course, choice, now, result);
  return result;
}

bool CanSuspend(const VersionTimes& times, absl::Time now) {
  const State state = StateAt(times, now);
  return state == State::kStaged || state == State::kStandby || state == State::kActive;
}

std::vector<VersionTimes> Suspend(const KeyCourse& course, size_t index, absl::Time now) {
  std::vector<VersionTimes> versions = course.versions;
  if (WillSign(versions[index], now)) PutOff(course, index, now, versions);
  versions[index].suspend = now;
  return versions;
}

std::vector<VersionTimes> Enable(const KeyCourse& course, size_t index) {
  std::vector<VersionTimes> versions = course.versions;
  versions[index].suspend = kNever;
  return versions;
}

bool CanScheduleDestroy(const VersionTimes& times, absl::Time now) {
  const State state = StateAt(times, now);
  return (state == State::kWithdrawn || state == State::kRevoked) &&
         times.schedule_destroy == kNever && times.destroy == kNever;
}

std::vector<VersionTimes> ScheduleDestroy(const KeyCourse& course, size_t index, absl::Time now) {
  std::vector<VersionTimes> versions = course.versions;
  versions[index].schedule_destroy = now;
  versions[index].destroy_due = now + course.rotation.recovery_window;
  versions[index].destroy_marked = false;  // a mark that is left over has another time
  return versions;
}

bool CanCancelDestroy(const VersionTimes& times, absl::Time now) {
  return times.schedule_destroy <= now && times.destroy == kNever && now < times.destroy_due;
}

std::vector<VersionTimes> CancelDestroy(const KeyCourse& course, size_t index, absl::Time now) {
  std::vector<VersionTimes> versions = course.versions;
  versions[index].schedule_destroy = kNever;
  versions[index].destroy_due = kNever;
  versions[index].cancel_destroy = now;
  versions[index].destroy_marked = true;  // it may be: the answer to a mark can be lost
  return versions;
}

std::vector<VersionTimes> Pause(const KeyCourse& course, absl::Time now) {
  std::vector<VersionTimes> versions = course.versions;
  if (!CurrentVersion(course, now)) return versions;
  // A switch that a revocation asked for goes on.
  if (AwaitsFreshVersion(course, now)) return versions;
  for (size_t i = 0; i < versions.size(); ++i) {
    if (WillSign(versions[i], now)) PutOff(course, i, now, versions);
  }
  return versions;
}

std::vector<VersionTimes> ChangePolicies(const KeyCourse& course, const CachePolicy& cache,
                                         const RotationPolicy& rotation, absl::Time now) {
  KeyCourse next = course;
  next.cache = cache;
  next.rotation = rotation;
  std::vector<VersionTimes>& versions = next.versions;
  for (size_t i = 0; i < versions.size(); ++i) {
    VersionTimes& times = versions[i];
    if (rotation.max_signing_time != course.rotation.max_signing_time) {
      ChangeSigningTime(next, rotation, now, times);
    }
    const bool planned = WillSign(times, now);
    if (times.publish == kNever || (!planned && times.activate != kNever)) continue;
    // PENDING: its publication is a moment ahead (TimesOfNewVersion).
    const State state = StateAt(times, now);
    if (!IsPublished(state) && state != State::kPending) continue;
    const bool waits_for_caches = times.standby > times.publish;
    if (waits_for_caches) {
      times.standby = std::max(times.standby, times.publish + cache.propagation_time);
    }
    times.activate_by = std::max(times.activate_by, times.standby + rotation.max_standby_time);
    if (planned && times.activate < times.standby) {
      Postpone(next, i, times.standby, now, versions);
    }
  }
  return versions;
}

}  // namespace sealward::lifecycle
