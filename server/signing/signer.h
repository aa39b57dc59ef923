// The sign path between the API and the signer processes: choose the version,
// judge the claims, have the HSM sign, verify, release.
#ifndef SEALWARD_SERVER_SIGNING_SIGNER_H_
#define SEALWARD_SERVER_SIGNING_SIGNER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "server/catalog/snapshot.h"
#include "server/hsm_client/partitions.h"
#include "server/lifecycle/epochs.h"
#include "server/lifecycle/reconcile.h"
#include "server/signing/live_jwts.h"

namespace sealward::signing {

// SignedJwt is a JWT in compact form (RFC 7515 section 7.1).
struct SignedJwt {
  std::string jwt;
  std::string kid;
};

// SignRequest asks for one JWT. The views must live until Sign returns.
struct SignRequest {
  const catalog::Key* key = nullptr;
  absl::string_view claims;  // signed byte for byte
  absl::string_view typ;     // empty for the key's default
  absl::Time deadline = absl::InfiniteFuture();
  // Called once: before Sign returns, or on a reader thread of the partition.
  absl::AnyInvocable<void(absl::StatusOr<SignedJwt>)> done;
};

// The version of `key` that signs at `now`. FAILED_PRECONDITION if none does: KEY_SUSPENDED
// or KEY_REVOKED if that is why, else KEY_NOT_READY; the message says when one will, as far
// as that is planned.
absl::StatusOr<std::shared_ptr<const catalog::KeyVersion>> SigningVersion(const catalog::Key& key,
                                                                          absl::Time now);

// Signer turns claims into JWTs. Whether the caller may use the key was decided
// before. Thread-safe; never blocks.
//
// No signature is released that was not verified with the published key: that
// catches a wrong object, and the faulty RSA or EdDSA signature that would give
// the private key away.
//
// Errors: those of CheckClaims, of SigningVersion, of hsm_client::Partitions and
// hsm_client::Partition and lifecycle::Epochs::CheckUsable;
// FAILED_PRECONDITION (PURPOSE_MISMATCH) for a key that is not for JWTs,
// (CLAIMS_OUT_OF_SCOPE) for a typ that the key's scope does not list; INTERNAL (HSM_REFUSED,
// SIGNATURE_INVALID).
class Signer {
 public:
  // What the signer needs of its surroundings; all outlives it.
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

  explicit Signer(Dependencies dependencies) : with_(std::move(dependencies)) {}

  void Sign(SignRequest request);

  // As Sign for each, sharing packets to the HSM.
  void SignAll(std::vector<SignRequest> requests);

  // Of the JWTs that were released since the server started.
  const LiveJwts& live_jwts() const { return live_jwts_; }

 private:
  // What is kept while the HSM signs.
  struct Pending {
    std::shared_ptr<const catalog::KeyVersion> version;
    absl::Duration max_lifetime;
    absl::Time judged;  // when the claims were: it lives at most that long from then on
    std::string signing_input;
    decltype(SignRequest::done) done;
  };

  // What is to be signed, and by which partition.
  struct Prepared {
    hsm_client::Partition* partition;
    hsm_client::Partition::Submission submission;
  };

  // The version that signs now; KEY_NOT_READY if there is none.
  absl::StatusOr<std::shared_ptr<const catalog::KeyVersion>> VersionOf(
      const catalog::Key& key) const;
  // Takes request.done where it succeeds.
  absl::StatusOr<Prepared> Prepare(SignRequest& request, absl::Time now);
  hsm_client::Partition::Submission Submission(const catalog::Key& key, Pending pending,
                                               absl::Time deadline);
  absl::StatusOr<SignedJwt> Release(Pending& pending, absl::StatusOr<hsm::v1::Result> answer);

  const Dependencies with_;
  LiveJwts live_jwts_;
};

}  // namespace sealward::signing

#endif  // SEALWARD_SERVER_SIGNING_SIGNER_H_
