// What has to hold before a key comes to be.
#ifndef SEALWARD_SERVER_LIFECYCLE_NEW_KEY_H_
#define SEALWARD_SERVER_LIFECYCLE_NEW_KEY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/algorithms.h"
#include "server/catalog/snapshot.h"
#include "server/hsm_client/partition.h"

namespace sealward::lifecycle {

// NewKey is a key that is asked for; its values are within the API's limits.
struct NewKey {
  std::string name;
  v1::KeyPurpose purpose = v1::KEY_PURPOSE_JWT;
  std::string issuer;  // resource name; empty of purpose RAW
  std::vector<std::string> audiences;
  std::vector<std::string> typs;
  absl::Duration max_jwt_lifetime;      // of purpose RAW: retire_after
  absl::Duration raw_propagation_time;  // of purpose RAW
  catalog::ClaimRules claim_rules;
  const AlgorithmInfo* algorithm = nullptr;
  catalog::Quota quota;
  RotationPolicy rotation_policy;
};

// ALREADY_EXISTS (ALREADY_EXISTS); INVALID_ARGUMENT (SCOPE_INVALID) for an
// issuer that does not exist; FAILED_PRECONDITION (ISSUER_NOT_SHARED) for one
// that has its one key, (JWKS_FULL) for one whose JWKS takes no more. Pure.
absl::Status CheckNewKey(const catalog::Snapshot& snapshot, const NewKey& key, absl::Time now);

// The tenant that the key is to belong to. REQUIRES: it is there.
const std::shared_ptr<const catalog::Tenant>& TenantOf(const catalog::Snapshot& snapshot,
                                                       const NewKey& key);

// The key that is asked for, as the catalog has it, with its issuer and without versions.
// REQUIRES: CheckNewKey found nothing.
catalog::Key ToKey(const catalog::Snapshot& snapshot, const NewKey& request);

// FAILED_PRECONDITION (ALGORITHM_UNAVAILABLE); UNAVAILABLE (HSM_UNAVAILABLE)
// while no process has said what the partition offers.
absl::Status CheckAlgorithmOffered(const hsm_client::Partition& partition,
                                   const AlgorithmInfo& algorithm);

// `key` whose versions have this algorithm from now on. Those that are still PENDING with
// another one are given up, so that the next is made with it: the HSM may be refusing the
// other for good. Pure.
catalog::Key WithAlgorithm(const catalog::Key& key, const AlgorithmInfo& algorithm, absl::Time now);

// INTERNAL (HSM_KEY_REPEATED) if some version has this kid already: the module
// handed out one object twice, or its random numbers repeat. Two names for one
// key pair would let one tenant sign as another. Pure.
absl::Status CheckNewKid(const catalog::Snapshot& snapshot, absl::string_view kid);

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_NEW_KEY_H_
