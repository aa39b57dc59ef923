// One operation on the HSM, waited for, with its outcome as a status.
#ifndef SEALWARD_SERVER_LIFECYCLE_HSM_CALL_H_
#define SEALWARD_SERVER_LIFECYCLE_HSM_CALL_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/algorithms.h"
#include "sealward/hsm/v1/hsm.pb.h"
#include "sealward/v1/jwk.pb.h"
#include "server/catalog/snapshot.h"
#include "server/hsm_client/partition.h"

namespace sealward::lifecycle {

// The OK result of `operation`. Errors as hsm_client::Partition; what
// sealward-hsm itself answers is UNAVAILABLE (HSM_UNAVAILABLE) where trying
// again may help, UNIMPLEMENTED (HSM_REFUSED) for a verb that the HSM cannot carry out,
// FAILED_PRECONDITION with the reasons that object_calls.h names, or TOMBSTONE, else INTERNAL
// (HSM_REFUSED). Blocks.
absl::StatusOr<hsm::v1::Result> CallHsm(hsm_client::Partition& partition,
                                        hsm::v1::Operation operation, absl::Time deadline);

// Whether the HSM does not answer, so that it is of no use to ask it for another key.
bool IsOutage(const absl::Status& status);

// The public half of a new or found key pair.
struct GeneratedKey {
  std::string spki;
  v1::PublicJwk jwk;
  bool existed = false;
};

// Generates the key pair of a PENDING version, or finds the one that an earlier
// try made, and checks that the answer is about that object and holds one key
// of the algorithm. INTERNAL (HSM_KEY_INVALID) if not. FAILED_PRECONDITION (TOMBSTONE) where
// the id is used up, (KEY_REFUSED) where the HSM refuses such a pair, or makes one that may not
// be used. Blocks.
absl::StatusOr<GeneratedKey> GenerateKeyPair(hsm_client::Partition& partition,
                                             const catalog::Key& key,
                                             const catalog::KeyVersion& version,
                                             absl::Time deadline);

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_HSM_CALL_H_
