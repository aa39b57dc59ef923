#include "server/lifecycle/plan.h"

#include <algorithm>

namespace sealward::lifecycle {
namespace {

// Whether the version signs, did, or is planned to.
bool HasActivation(const VersionTimes& times) {
  return times.activate != absl::InfiniteFuture() && IsInOrder(times);
}

// Whether the version stands ready, or is on the way, to be activated later.
bool CanFollow(const VersionTimes& times, absl::Time now) {
  if (HasActivation(times) || !IsInOrder(times)) return false;
  const State state = StateAt(times, now);
  return state == State::kPending || state == State::kStaged || state == State::kStandby;
}

// Index of the version that is the last to begin signing, past or planned.
std::optional<size_t> LastToActivate(std::span<const VersionTimes> versions) {
  std::optional<size_t> last;
  for (size_t i = 0; i < versions.size(); ++i) {
    if (!HasActivation(versions[i])) continue;
    if (!last || versions[i].activate >= versions[*last].activate) last = i;
  }
  return last;
}

// Index of the first version after `now` to begin signing.
std::optional<size_t> NextToActivate(std::span<const VersionTimes> versions, absl::Time now) {
  std::optional<size_t> next;
  for (size_t i = 0; i < versions.size(); ++i) {
    if (!HasActivation(versions[i]) || versions[i].activate <= now) continue;
    if (!next || versions[i].activate < versions[*next].activate) next = i;
  }
  return next;
}

// Index of the newest version that has a key pair and can follow what signs. A
// version older than what signs was passed over and is not gone back to.
std::optional<size_t> NewestSuccessor(std::span<const VersionTimes> versions, absl::Time now) {
  const std::optional<size_t> last = LastToActivate(versions);
  for (size_t i = versions.size(); i > (last ? *last + 1 : 0); --i) {
    const VersionTimes& times = versions[i - 1];
    if (CanFollow(times, now) && times.standby != absl::InfiniteFuture()) return i - 1;
  }
  return std::nullopt;
}

Switch PlannedSwitch(std::span<const VersionTimes> versions, size_t successor, absl::Time now) {
  Switch planned;
  planned.predecessor = SigningVersionAt(versions, now);
  planned.successor = successor;
  planned.at = versions[successor].activate;
  if (planned.predecessor) planned.predecessor_times = versions[*planned.predecessor];
  planned.successor_times = versions[successor];
  planned.already_planned = true;
  return planned;
}

}  // namespace

absl::Duration RetentionTime(const CachePolicy& policy) {
  return policy.max_jwt_lifetime + kClockSkew + kRetireSafety;
}

VersionTimes TimesOfNewVersion(const CachePolicy& policy, bool first_of_key, absl::Time now) {
  VersionTimes times;
  times.publish = now;
  const bool no_cache_to_wait_for = first_of_key && policy.never_published;
  times.standby = no_cache_to_wait_for ? now : now + policy.propagation_time;
  if (first_of_key) times.activate = times.standby;
  return times;
}

std::optional<Switch> PlanRotation(std::span<const VersionTimes> versions,
                                   const CachePolicy& policy, absl::Time now) {
  if (const auto planned = NextToActivate(versions, now)) {
    return PlannedSwitch(versions, *planned, now);
  }
  const std::optional<size_t> successor = NewestSuccessor(versions, now);
  if (!successor) return std::nullopt;

  Switch result;
  result.predecessor = SigningVersionAt(versions, now);
  result.successor = *successor;
  result.successor_times = versions[*successor];
  result.at = std::max(now, result.successor_times.standby);
  result.successor_times.activate = result.at;
  if (result.predecessor) {
    result.predecessor_times = versions[*result.predecessor];
    // An end that was set before is never put off.
    if (result.predecessor_times.retire > result.at) {
      result.predecessor_times.retire = result.at;
      result.predecessor_times.withdraw = result.at + RetentionTime(policy);
    }
  }
  return result;
}

Step PlanStep(std::span<const VersionTimes> versions, absl::Time now) {
  Step step;
  const auto without_key_pair = std::ranges::find_if(versions, [now](const VersionTimes& times) {
    return times.publish == absl::InfiniteFuture() && CanFollow(times, now);
  });
  if (without_key_pair != versions.end()) {
    step.generate = static_cast<size_t>(without_key_pair - versions.begin());
  }
  if (SigningVersionAt(versions, now) || NextToActivate(versions, now)) {
    const auto followers = versions.subspan(*LastToActivate(versions) + 1);
    step.add_successor = std::ranges::none_of(
        followers, [now](const VersionTimes& times) { return CanFollow(times, now); });
  }
  step.wake = NextChange(versions, now);
  return step;
}

}  // namespace sealward::lifecycle
