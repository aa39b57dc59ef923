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

enum class State {
  kPending,
  kStaged,
  kStandby,
  kActive,
  kVerifyOnly,
  kWithdrawn,
  kSuspended,
  kRevoked,
  kDestroyScheduled,
  kDestroyed,
};

// VersionTimes is all that is stored about when a version does what. A time of
// absl::InfiniteFuture() means "never", or "not planned".
struct VersionTimes {
  // The planned course; publish = InfiniteFuture means that the key pair is not
  // there yet. Obeys IsInOrder.
  absl::Time publish = absl::InfiniteFuture();
  absl::Time standby = absl::InfiniteFuture();
  absl::Time activate = absl::InfiniteFuture();
  absl::Time retire = absl::InfiniteFuture();
  absl::Time withdraw = absl::InfiniteFuture();
  // Hard ends, set with activate: they hold even if nobody plans anything.
  absl::Time sign_until = absl::InfiniteFuture();
  absl::Time publish_until = absl::InfiniteFuture();
  // From when on it is too old to be activated.
  absl::Time activate_by = absl::InfiniteFuture();
  // Interventions: since when.
  absl::Time suspend = absl::InfiniteFuture();
  absl::Time revoke = absl::InfiniteFuture();
  absl::Time schedule_destroy = absl::InfiniteFuture();
  absl::Time destroy_due = absl::InfiniteFuture();  // set with schedule_destroy
  absl::Time destroy = absl::InfiniteFuture();      // the HSM has done it
  absl::Time cancel_destroy = absl::InfinitePast();
  // From when on its replacement is due, whatever the policy says.
  absl::Time rotate_due = absl::InfiniteFuture();
  // Of a revoked version: when the newest version was published that stood in the JWKS
  // beside it. A kid published after this is in no cache that holds it (FreshAfter in
  // course.h).
  absl::Time fresh_after = absl::InfinitePast();
  bool unready = false;        // activated before every cache had it
  bool revoke_marked = false;  // the partition has the tombstone
  // The partition has the mark of schedule_destroy; without one: it may have one still.
  bool destroy_marked = false;
  bool operator==(const VersionTimes&) const = default;
};

// Whether what is planned obeys publish ≤ standby ≤ activate ≤ retire ≤ withdraw,
// and nothing comes without what it follows: no standby without publish, no activate
// without standby, no retire without activate.
bool IsInOrder(const VersionTimes& times);

// State of a version at `now`. Total: every combination of times has a state.
// Each time belongs to the state that it begins. REVOKED and DESTROYED are for ever;
// REVOKED covers what happens to the key pair afterwards. Times that are not in
// order sign nothing: VERIFY_ONLY from publish to withdraw.
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
