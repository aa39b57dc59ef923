#include "server/lifecycle/course.h"

#include <algorithm>

namespace sealward::lifecycle {
namespace {

constexpr absl::Time kNever = absl::InfiniteFuture();

}  // namespace

absl::Duration RetentionTime(const CachePolicy& policy) {
  return policy.max_jwt_lifetime + policy.margins.clock_skew + policy.margins.retire_safety;
}

absl::Time EarlierPromise(const CachePolicy& from, absl::Duration to, absl::Time now) {
  if (to >= from.propagation_time || from.never_published) return from.earlier_promise_until;
  return std::max(from.earlier_promise_until, now + from.propagation_time);
}

bool IsPaused(const KeyCourse& course, absl::Time now) {
  return course.pause && course.pause->start <= now && now < course.pause->expire;
}

std::optional<size_t> CurrentVersion(const KeyCourse& course, absl::Time now) {
  std::optional<size_t> current;
  for (size_t i = 0; i < course.versions.size(); ++i) {
    const VersionTimes& times = course.versions[i];
    if (!IsPublished(StateAt(times, now)) || !IsInOrder(times)) continue;
    if (times.activate == kNever || times.activate > now || times.retire <= now) continue;
    if (!current || times.activate >= course.versions[*current].activate) current = i;
  }
  return current;
}

absl::Time FreshAfter(const KeyCourse& course) {
  absl::Time fresh_after = absl::InfinitePast();
  for (const VersionTimes& times : course.versions) {
    fresh_after = std::max(fresh_after, times.fresh_after);
  }
  return fresh_after;
}

bool AwaitsFreshVersion(const KeyCourse& course, absl::Time now) {
  const std::optional<size_t> current = CurrentVersion(course, now);
  return current && course.versions[*current].publish <= FreshAfter(course);
}

bool WillSign(const VersionTimes& times, absl::Time now) {
  if (times.activate == kNever || times.activate <= now) return false;
  const State state = StateAt(times, now);
  return IsInOrder(times) &&
         (state == State::kPending || state == State::kStaged || state == State::kStandby);
}

bool CanFollow(const VersionTimes& times, absl::Time now) {
  if (times.activate != kNever || times.withdraw != kNever) return false;
  if (!IsInOrder(times) || times.activate_by <= now) return false;
  const State state = StateAt(times, now);
  return state == State::kPending || state == State::kStaged || state == State::kStandby;
}

void Activate(const KeyCourse& course, absl::Time at, VersionTimes& times) {
  times.activate = at;
  times.sign_until = at + course.rotation.max_signing_time;
  times.publish_until = times.sign_until + RetentionTime(course.cache);
}

void Unplan(size_t index, absl::Time now, std::vector<VersionTimes>& versions) {
  VersionTimes& planned = versions[index];
  for (VersionTimes& times : versions) {
    if (times.retire <= now || times.retire != planned.activate) continue;
    times.retire = kNever;
    times.withdraw = kNever;
  }
  planned.activate = kNever;
  planned.sign_until = kNever;
  planned.publish_until = kNever;
}

void RetireOthers(const KeyCourse& course, size_t successor, absl::Time at,
                  std::vector<VersionTimes>& versions) {
  for (size_t i = 0; i < versions.size(); ++i) {
    VersionTimes& times = versions[i];
    if (i == successor || times.activate > at || times.retire <= at) continue;
    // A hard end that comes before that may still be put off (ChangePolicies).
    const State state = StateAt(times, at);
    const bool ends_by_itself = state == State::kWithdrawn && times.withdraw > at;
    if (!(IsPublished(state) || ends_by_itself) || !IsInOrder(times)) continue;
    times.retire = at;
    times.withdraw = times.retire + RetentionTime(course.cache);
  }
}

}  // namespace sealward::lifecycle
