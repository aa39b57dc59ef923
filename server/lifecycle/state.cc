#include "server/lifecycle/state.h"

#include <algorithm>
#include <array>

namespace sealward::lifecycle {
namespace {

// "Not planned" is never reached, not even by a clock that reads InfiniteFuture.
bool Reached(absl::Time time, absl::Time now) {
  return time != absl::InfiniteFuture() && time <= now;
}

// Every time at which StateAt can change.
std::array<absl::Time, 11> ChangesOf(const VersionTimes& times) {
  return {times.publish,          times.standby,    times.activate,      times.retire,
          times.withdraw,         times.sign_until, times.publish_until, times.suspend,
          times.schedule_destroy, times.revoke,     times.destroy};
}

// The next time after `now` at which this version's state changes.
absl::Time NextChangeOf(const VersionTimes& times, absl::Time now) {
  auto candidates = ChangesOf(times);
  std::ranges::sort(candidates);
  const State state = StateAt(times, now);
  for (const absl::Time candidate : candidates) {
    if (candidate > now && StateAt(times, candidate) != state) return candidate;
  }
  return absl::InfiniteFuture();
}

// Whether `later` is unplanned, or comes after `earlier`, which is planned.
bool Follows(absl::Time earlier, absl::Time later) {
  return later == absl::InfiniteFuture() || earlier <= later;
}

}  // namespace

bool IsInOrder(const VersionTimes& times) {
  // A version that never signs can be withdrawn before it is STANDBY.
  const auto before_withdraw = [&times](absl::Time time) {
    return time == absl::InfiniteFuture() || Follows(time, times.withdraw);
  };
  return Follows(times.publish, times.standby) && Follows(times.standby, times.activate) &&
         Follows(times.activate, times.retire) && before_withdraw(times.publish) &&
         before_withdraw(times.activate) && before_withdraw(times.retire);
}

State StateAt(const VersionTimes& times, absl::Time now) {
  if (Reached(times.revoke, now)) return State::kRevoked;
  if (Reached(times.destroy, now)) return State::kDestroyed;
  if (Reached(times.schedule_destroy, now)) return State::kDestroyScheduled;
  if (Reached(times.withdraw, now) || Reached(times.publish_until, now)) return State::kWithdrawn;
  if (!Reached(times.publish, now)) return State::kPending;
  if (Reached(times.suspend, now)) return State::kSuspended;
  // What broken times were meant to say is unknown. Signing would be a guess;
  // taking it out of the JWKS could kill honest JWTs.
  if (!IsInOrder(times)) return State::kVerifyOnly;
  if (!Reached(times.standby, now)) return State::kStaged;
  if (!Reached(times.activate, now)) return State::kStandby;
  if (!Reached(times.retire, now) && !Reached(times.sign_until, now)) return State::kActive;
  return State::kVerifyOnly;
}

bool IsPublished(State state) {
  switch (state) {
    case State::kStaged:
    case State::kStandby:
    case State::kActive:
    case State::kVerifyOnly:
    case State::kSuspended:
      return true;
    case State::kPending:
    case State::kWithdrawn:
    case State::kRevoked:
    case State::kDestroyScheduled:
    case State::kDestroyed:
      return false;
  }
  return false;
}

std::optional<size_t> SigningVersionAt(std::span<const VersionTimes> versions, absl::Time now) {
  std::optional<size_t> signer;
  for (size_t i = 0; i < versions.size(); ++i) {
    if (StateAt(versions[i], now) != State::kActive) continue;
    if (!signer || versions[i].activate >= versions[*signer].activate) signer = i;
  }
  return signer;
}

absl::Time NextChange(std::span<const VersionTimes> versions, absl::Time now) {
  absl::Time next = absl::InfiniteFuture();
  for (const VersionTimes& times : versions) next = std::min(next, NextChangeOf(times, now));
  return next;
}

absl::string_view StateName(State state) {
  switch (state) {
    case State::kPending:
      return "PENDING";
    case State::kStaged:
      return "STAGED";
    case State::kStandby:
      return "STANDBY";
    case State::kActive:
      return "ACTIVE";
    case State::kVerifyOnly:
      return "VERIFY_ONLY";
    case State::kWithdrawn:
      return "WITHDRAWN";
    case State::kSuspended:
      return "SUSPENDED";
    case State::kRevoked:
      return "REVOKED";
    case State::kDestroyScheduled:
      return "DESTROY_SCHEDULED";
    case State::kDestroyed:
      return "DESTROYED";
  }
  return "STATE_UNSPECIFIED";
}

}  // namespace sealward::lifecycle
