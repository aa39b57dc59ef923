// What is to be done about a key, and when: decisions only. Reads no clock,
// draws no randomness, logs nothing, writes nothing; asking twice is harmless
// and asking late only delays. server/lifecycle's driver does what it says.
#ifndef SEALWARD_SERVER_LIFECYCLE_PLAN_H_
#define SEALWARD_SERVER_LIFECYCLE_PLAN_H_

#include <cstddef>
#include <optional>
#include <span>

#include "absl/time/time.h"
#include "server/lifecycle/state.h"

namespace sealward::lifecycle {

// Skew between our clock and a validator's that no JWT may be refused for
// (INTEROP: at least 60 s), and a margin for requests already under way.
inline constexpr absl::Duration kClockSkew = absl::Seconds(60);
inline constexpr absl::Duration kRetireSafety = absl::Seconds(30);

// CachePolicy is what decides about times.
struct CachePolicy {
  absl::Duration propagation_time;  // until every cache has a published key
  absl::Duration max_jwt_lifetime;
  // No JWKS of this issuer was ever served: nobody caches anything yet, so its
  // first version may sign at once.
  bool never_published = false;
};

// How long a version stays published after it stopped signing.
absl::Duration RetentionTime(const CachePolicy& policy);

// Times of a version whose key pair came to be at `now`. The first version of a
// key activates as soon as it is STANDBY; a successor waits for a switch.
VersionTimes TimesOfNewVersion(const CachePolicy& policy, bool first_of_key, absl::Time now);

// Switch moves signing from one version to its successor.
struct Switch {
  std::optional<size_t> predecessor;  // index; nullopt if nothing signs
  size_t successor = 0;
  absl::Time at;
  VersionTimes predecessor_times;  // valid if there is a predecessor
  VersionTimes successor_times;
  bool already_planned = false;
};

// The switch that a rotation asked for at `now` makes: at once to a STANDBY, or
// at the time a STAGED version becomes one. A switch that is already planned is
// returned as it stands. nullopt if there is no successor yet: generate one,
// then ask again. REQUIRES: `versions` in the order of their numbers.
std::optional<Switch> PlanRotation(std::span<const VersionTimes> versions,
                                   const CachePolicy& policy, absl::Time now);

// Step is what the driver has to do for a key now.
struct Step {
  // Index of a PENDING version whose key pair is to be generated (again).
  std::optional<size_t> generate;
  // Whether a successor is to be recorded as PENDING: something signs, or will,
  // and nothing is there to follow it.
  bool add_successor = false;
  // When to ask again if nothing else happens.
  absl::Time wake = absl::InfiniteFuture();
};

// What is due at `now`.
Step PlanStep(std::span<const VersionTimes> versions, absl::Time now);

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_PLAN_H_
