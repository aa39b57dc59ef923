// What decides about the course of a key's versions: times, policies, pause. Values
// only.
#ifndef SEALWARD_SERVER_LIFECYCLE_COURSE_H_
#define SEALWARD_SERVER_LIFECYCLE_COURSE_H_

#include <limits>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "server/lifecycle/margins.h"
#include "server/lifecycle/state.h"

namespace sealward::lifecycle {

// CachePolicy is what an issuer's caches and a key's JWTs ask for.
struct CachePolicy {
  absl::Duration propagation_time;  // until every cache has a published key
  absl::Duration max_jwt_lifetime;
  // No JWKS of this issuer was ever served: nobody caches anything yet, so its
  // first version may sign at once.
  bool never_published = false;
  // Until when caches may keep what they fetched under an earlier, longer promise: no
  // version that is published now is ready before this.
  absl::Time earlier_promise_until = absl::InfinitePast();
  Margins margins = {};
};

// RotationPolicy is sealward.v1.RotationPolicy; InfiniteDuration stands for never.
struct RotationPolicy {
  absl::Duration rotation_period = absl::InfiniteDuration();
  absl::Duration max_signing_time = absl::InfiniteDuration();
  absl::Duration max_standby_time = absl::InfiniteDuration();
  absl::Duration destroy_after = absl::InfiniteDuration();
  absl::Duration recovery_window = absl::Hours(7 * 24);
  bool operator==(const RotationPolicy&) const = default;
};

// PauseTimes is when a pause holds: start ≤ now < expire.
struct PauseTimes {
  absl::Time start;
  absl::Time expire;
  bool operator==(const PauseTimes&) const = default;
};

// KeyCourse is one key as the planner sees it.
struct KeyCourse {
  CachePolicy cache;
  RotationPolicy rotation;
  std::optional<PauseTimes> pause;
  // How many more keys the issuer's JWKS can take.
  int jwks_room = std::numeric_limits<int>::max();
  std::vector<VersionTimes> versions;  // in the order of their numbers
};

// How long a version stays published after it stopped signing.
absl::Duration RetentionTime(const CachePolicy& policy);

// earlier_promise_until once propagation_time is `to` instead of from.propagation_time,
// at `now`: what was fetched before is kept as long as was promised then.
absl::Time EarlierPromise(const CachePolicy& from, absl::Duration to, absl::Time now);

// Whether a pause holds at `now`.
bool IsPaused(const KeyCourse& course, absl::Time now);

// The version that signs at `now` or would if it were not suspended or past its hard
// end: of those activated, not yet retired and still published, the one with the
// latest activate. Index; nullopt if there is none.
std::optional<size_t> CurrentVersion(const KeyCourse& course, absl::Time now);

// What a version must be published after, so that its first JWT is a miss in every
// cache that may hold a revoked key, and such caches fetch. InfinitePast if nothing
// was revoked.
absl::Time FreshAfter(const KeyCourse& course);

// Whether the current version was published before that: it is to be replaced by one
// that was not, as soon as that one is STANDBY, paused or not.
bool AwaitsFreshVersion(const KeyCourse& course, absl::Time now);

// Whether the version is planned to begin signing after `now`.
bool WillSign(const VersionTimes& times, absl::Time now);

// Whether the version stands ready, or is on the way, to be activated later: PENDING,
// STAGED or STANDBY, no activation planned, and not too old for one.
bool CanFollow(const VersionTimes& times, absl::Time now);

// Plans the first signature of `times` for `at`, and the hard ends that follow.
void Activate(const KeyCourse& course, absl::Time at, VersionTimes& times);

// Takes a planned activation back: `versions[index]` waits again, and what was to
// retire for it goes on. REQUIRES: WillSign of it.
void Unplan(size_t index, absl::Time now, std::vector<VersionTimes>& versions);

// Ends the signing of every version but `successor` at `at`, at the latest: a
// retire that was set before is never put off.
void RetireOthers(const KeyCourse& course, size_t successor, absl::Time at,
                  std::vector<VersionTimes>& versions);

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_COURSE_H_
