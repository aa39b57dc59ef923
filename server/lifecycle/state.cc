#include "server/lifecycle/state.h"

#include <algorithm>
#include <array>

namespace sealward::lifecycle {
namespace {

// "Not planned" is never reached, not even by a clock that reads InfiniteFuture.
bool Reached(absl::Time time, absl::Time now) {
  return time != absl::InfiniteFuture() && time <= now;
}

std::array<absl::Time, 5> InOrder(const VersionTimes& times) {
  return {times.publish, times.standby, times.activate, times.retire, times.withdraw};
}

// The next time after `now` at which this version's state changes. States
// change at stored times only, so the first of these that shows another state
// is the change.
absl::Time NextChangeOf(const VersionTimes& times, absl::Time now) {
  std::array<absl::Time, 5> candidates = InOrder(times);
  std::ranges::sort(candidates);
  const State state = StateAt(times, now);
  for (const absl::Time candidate : candidates) {
    if (candidate > now && StateAt(times, candidate) != state) return candidate;
  }
  return absl::InfiniteFuture();
}

}  // namespace

bool IsInOrder(const VersionTimes& times) { return std::ranges::is_sorted(InOrder(times)); }

State StateAt(const VersionTimes& times, absl::Time now) {
  if (Reached(times.withdraw, now)) return State::kWithdrawn;
  if (!Reached(times.publish, now)) return State::kPending;
  // What broken times were meant to say is unknown. Signing would be a guess;
  // taking it out of the JWKS could kill honest JWTs.
  if (!IsInOrder(times)) return State::kVerifyOnly;
  if (!Reached(times.standby, now)) return State::kStaged;
  if (!Reached(times.activate, now)) return State::kStandby;
  if (!Reached(times.retire, now)) return State::kActive;
  return State::kVerifyOnly;
}

bool IsPublished(State state) { return state != State::kPending && state != State::kWithdrawn; }

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
  }
  return "STATE_UNSPECIFIED";
}

}  // namespace sealward::lifecycle
