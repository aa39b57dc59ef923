// What a rotation policy may be: alone, and beside an issuer's other keys.
#ifndef SEALWARD_SERVER_API_POLICY_RULES_H_
#define SEALWARD_SERVER_API_POLICY_RULES_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sealward/v1/key_service.pb.h"
#include "server/catalog/snapshot.h"
#include "server/lifecycle/course.h"

namespace sealward::api {

// The rotation policy that a key is asked to have, with its defaults; every 30 days
// where it has none. INVALID_ARGUMENT (POLICY_INFEASIBLE) with the field for a
// duration that is zero, negative, not whole seconds or absurd.
absl::StatusOr<lifecycle::RotationPolicy> ParseRotationPolicy(const v1::Key& key);

// What the policy of a key has to fit. `key` is its name: the key itself does not
// count among the issuer's others.
struct PolicyFrame {
  const catalog::Issuer& issuer;  // as it is, or is to be
  absl::string_view key;
  absl::Duration max_jwt_lifetime;
};

// Whether `policy` can be kept (lifecycle/policy.h). INVALID_ARGUMENT
// (POLICY_INFEASIBLE); its google.rpc.BadRequest names field and rule of each
// violation.
absl::Status CheckRotationPolicy(const catalog::Snapshot& snapshot, const PolicyFrame& frame,
                                 const lifecycle::RotationPolicy& policy, absl::Time now);

// The most keys of `issuer` that stand in its JWKS at once, foreign keys included, in
// the ordinary course; the key named `but` does not count.
int JwksNeedOf(const catalog::Snapshot& snapshot, const catalog::Issuer& issuer,
               absl::string_view but, absl::Time now);

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_POLICY_RULES_H_
