// The way of a signature through the server: which version signs, in which partition,
// and whether what comes back may be released. The same for JWTs and for raw signatures.
#ifndef SEALWARD_SERVER_SIGNING_ROUTE_H_
#define SEALWARD_SERVER_SIGNING_ROUTE_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/signature_input.h"
#include "sealward/hsm/v1/hsm.pb.h"
#include "server/catalog/snapshot.h"
#include "server/hsm_client/partitions.h"
#include "server/lifecycle/epochs.h"
#include "server/lifecycle/reconcile.h"

namespace sealward::signing {

// Route answers for one signature at a time. Thread-safe; never blocks.
class Route {
 public:
  // What the sign path needs of its surroundings; all outlives it.
  struct Dependencies {
    const hsm_client::Partitions* partitions;
    // Versions whose object is not the one that was published.
    const lifecycle::Withheld* withheld;
    // Partitions that must not sign with this store.
    const lifecycle::Epochs* epochs;
    const Clock* clock;  // the system's: what `exp` and `iat` are compared with
    // Told of a signature that did not verify; for metrics and alarms.
    std::function<void(const catalog::KeyVersion&)> on_bad_signature;
    // Lifecycle time, which says what version signs, and the same running on while that
    // is frozen, which ends signing at sign_until (lifecycle_clock.h). Null for `clock`.
    const Clock* lifecycle = nullptr;
    const Clock* running = nullptr;
  };

  explicit Route(Dependencies dependencies) : with_(std::move(dependencies)) {}

  // The version that signs now. Errors: those of SigningVersion.
  absl::StatusOr<std::shared_ptr<const catalog::KeyVersion>> VersionOf(
      const catalog::Key& key) const;

  // The partition that has `version`, if it may sign with it. INTERNAL (KEY_WITHHELD); errors of
  // hsm_client::Partitions and lifecycle::Epochs::CheckUsable.
  absl::StatusOr<hsm_client::Partition*> PartitionOf(const catalog::Key& key,
                                                     const catalog::KeyVersion& version) const;

  // The signature in `answer`, if it is one of `input` by the published key of `version`: that
  // catches a wrong object, and the faulty RSA or EdDSA signature that would give the private key
  // away. UNAVAILABLE (HSM_UNAVAILABLE); INTERNAL (HSM_REFUSED, SIGNATURE_INVALID).
  absl::StatusOr<std::string> Release(const catalog::KeyVersion& version,
                                      const SignatureInput& input,
                                      absl::StatusOr<hsm::v1::Result> answer) const;

  const Clock& clock() const { return *with_.clock; }

 private:
  const Dependencies with_;
};

// Prepared is what is to be signed, and by which partition.
struct Prepared {
  hsm_client::Partition* partition;
  hsm_client::Partition::Submission submission;
};

// Submits all of them, in packets that those of one partition share.
void SubmitAll(std::vector<Prepared> prepared);

}  // namespace sealward::signing

#endif  // SEALWARD_SERVER_SIGNING_ROUTE_H_
