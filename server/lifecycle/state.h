// Lifecycle state as a pure function of stored times and now. Reads no clock,
// logs nothing, writes nothing. The states are those of the table in
// ARCHITECTURE.md; NIST SP 800-57 part 1 section 7 names them in its own words.
#ifndef SEALWARD_SERVER_LIFECYCLE_STATE_H_
#define SEALWARD_SERVER_LIFECYCLE_STATE_H_

#include <cstddef>
#include <optional>
#include <span>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sealward::lifecycle {

enum class State { kPending, kStaged, kStandby, kActive, kVerifyOnly, kWithdrawn };

// VersionTimes is all that is stored about when a version does what. A time of
// absl::InfiniteFuture() means "not planned"; publish = InfiniteFuture means
// that the key pair is not there yet. Stored times obey
// publish ≤ standby ≤ activate ≤ retire ≤ withdraw.
struct VersionTimes {
  absl::Time publish = absl::InfiniteFuture();
  absl::Time standby = absl::InfiniteFuture();
  absl::Time activate = absl::InfiniteFuture();
  absl::Time retire = absl::InfiniteFuture();
  absl::Time withdraw = absl::InfiniteFuture();
  bool operator==(const VersionTimes&) const = default;
};

// Whether the times obey publish ≤ standby ≤ activate ≤ retire ≤ withdraw.
bool IsInOrder(const VersionTimes& times);

// State of a version at `now`. Total: every combination of times has a state.
// Each time belongs to the state that it begins. Times that are not in order
// sign nothing: VERIFY_ONLY from publish to withdraw.
State StateAt(const VersionTimes& times, absl::Time now);

// Whether a version in this state stands in the JWKS.
bool IsPublished(State state);

// Index of the version that signs at `now`: ACTIVE, and of several the one with
// the latest activate (of equal ones the last); nullopt if none does.
std::optional<size_t> SigningVersionAt(std::span<const VersionTimes> versions, absl::Time now);

// The next time after `now` at which StateAt of some version changes;
// InfiniteFuture if never.
absl::Time NextChange(std::span<const VersionTimes> versions, absl::Time now);

// "ACTIVE" and so on, as in the API.
absl::string_view StateName(State state);

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_STATE_H_
