// Policies and promises that operators may choose.
#include <algorithm>

#include "server/lifecycle/policy.h"
#include "tests/sim/server.h"

namespace sealward::sim {

using lifecycle::CachePolicy;
using lifecycle::RotationPolicy;

std::optional<RotationPolicy> AnyPolicy(const CachePolicy& cache, int max_jwks_keys,
                                        Random& random) {
  const absl::Duration shortest = cache.propagation_time + lifecycle::kPlanSlack;
  for (int attempt = 0; attempt < 10; ++attempt) {
    RotationPolicy policy;
    policy.rotation_period =
        random.OneIn(6) ? absl::ZeroDuration() : shortest + random.UpTo(4 * shortest);
    policy.max_signing_time = absl::ZeroDuration();
    policy.max_standby_time = absl::ZeroDuration();
    if (random.OneIn(2)) {
      policy.max_signing_time = policy.rotation_period + shortest + random.UpTo(3 * shortest);
      policy.max_standby_time = policy.rotation_period + shortest + random.UpTo(2 * shortest);
    }
    if (!random.OneIn(3)) policy.destroy_after = absl::Seconds(1) + random.UpTo(3 * shortest);
    policy.recovery_window = lifecycle::kLeastRecoveryWindow + random.UpTo(2 * shortest);
    policy = lifecycle::WithDefaults(policy);
    if (lifecycle::CheckPolicy(policy, cache, 0, max_jwks_keys).empty()) return policy;
  }
  return std::nullopt;
}

StoredIssuer AnyIssuer(Random& random) {
  StoredIssuer issuer;
  const auto profiles = lifecycle::AllProfiles();
  issuer.profile = &profiles[static_cast<size_t>(random.Below(static_cast<int>(profiles.size())))];
  issuer.max_jwks_keys = std::min(issuer.profile->max_jwks_keys, 6 + random.Below(7));
  issuer.max_age = absl::Minutes(1 + random.Below(40));
  issuer.propagation_time = lifecycle::PropagationTime(*issuer.profile, issuer.max_age);
  return issuer;
}

}  // namespace sealward::sim
