// Which rotation policies can be kept.
#ifndef SEALWARD_SERVER_LIFECYCLE_POLICY_H_
#define SEALWARD_SERVER_LIFECYCLE_POLICY_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/lifecycle/course.h"

namespace sealward::lifecycle {

// The policy of a key that is created without one. CSRB's report on Storm-0558
// recommends frequent rotation, "for example monthly" (FACTS.md).
inline constexpr absl::Duration kDefaultRotationPeriod = absl::Hours(30 * 24);
// The hard end of a key that is rotated by hand only.
inline constexpr absl::Duration kLongestSigningTime = absl::Hours(400 * 24);
inline constexpr absl::Duration kLongestRotationPeriod = absl::Hours(400 * 24);
inline constexpr absl::Duration kDefaultRecoveryWindow = absl::Hours(7 * 24);
inline constexpr absl::Duration kLongestRecoveryWindow = absl::Hours(90 * 24);
inline constexpr absl::Duration kLongestDestroyAfter = absl::Hours(3650 * 24);

// PolicyProblem is one rule that a policy breaks.
struct PolicyProblem {
  absl::string_view field;  // for example "rotation_policy.rotation_period"
  absl::string_view rule;   // for example "PERIOD_BELOW_PROPAGATION"
  std::string description;  // what is wrong and what would do
};

// The policy with its defaults: InfiniteDuration where the rotation period is not set,
// a hard end of twice the period, and so on. ZeroDuration stands for "not set".
RotationPolicy WithDefaults(RotationPolicy policy);

// The most versions of one key that stand in the JWKS at once in the ordinary course:
// 2 + ceil(retention_time / period), where the period is rotation_period or what the
// hard end leaves, and one more if successors are replaced before they are used. Each
// rotation that somebody asks for or a late driver makes up for adds one until its
// predecessor is withdrawn, each suspended successor one until activate_by; a revocation
// adds none. Whatever happens, the planner stages no successor where there is no room.
int JwksNeed(const RotationPolicy& policy, const CachePolicy& cache);

// What is wrong with a policy; empty if it can be kept. `others_need` is JwksNeed of
// the issuer's other keys together with its foreign keys, `max_jwks_keys` what its
// JWKS may hold. REQUIRES: WithDefaults. plan_slack is that of cache.margins.
//
//   DURATION_OUT_OF_RANGE        a duration is negative, zero, not whole seconds or
//                                beyond the longest
//   PERIOD_BELOW_PROPAGATION     rotation_period < propagation_time + plan_slack
//   SIGNING_TIME_BELOW_PERIOD    max_signing_time < rotation_period +
//                                propagation_time + plan_slack
//   STANDBY_TIME_BELOW_PERIOD    max_standby_time < rotation_period + plan_slack, or
//                                propagation_time + 2 * plan_slack where there is none
//   JWKS_TOO_LARGE               JwksNeed + others_need > max_jwks_keys
std::vector<PolicyProblem> CheckPolicy(const RotationPolicy& policy, const CachePolicy& cache,
                                       int others_need, int max_jwks_keys);

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_POLICY_H_
