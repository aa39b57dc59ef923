// The sign path between the API and the signer processes: choose the version,
// judge the claims, have the HSM sign, verify, release.
#ifndef SEALWARD_SERVER_SIGNING_SIGNER_H_
#define SEALWARD_SERVER_SIGNING_SIGNER_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/catalog/snapshot.h"
#include "server/hsm_client/partition.h"
#include "server/signing/live_jwts.h"
#include "server/signing/route.h"

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
  // Instead of claims and typ: a ready JWS signing input, signed byte for byte.
  std::optional<absl::string_view> signing_input = std::nullopt;
};

// Signer turns claims into JWTs. Whether the caller may use the key was decided
// before. Thread-safe; never blocks.
//
// No signature is released that was not verified with the published key (Route::Release).
//
// Errors: those of ReadSigningInput, CheckClaims, Route, KidNotSigning and
// hsm_client::Partition; FAILED_PRECONDITION (PURPOSE_MISMATCH) for a key that is not for
// JWTs, (CLAIMS_OUT_OF_SCOPE) for a typ that the key's scope does not list, (HEADER_MISMATCH)
// for a ready header with another alg. A header without typ counts as one of typ "JWT".
class Signer {
 public:
  // REQUIRES: `route` outlives it.
  explicit Signer(const Route* route) : route_(route) {}

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

  // Takes request.done where it succeeds.
  absl::StatusOr<Prepared> Prepare(SignRequest& request, absl::Time now);
  hsm_client::Partition::Submission Submission(const catalog::Key& key, Pending pending,
                                               absl::Time deadline);
  absl::StatusOr<SignedJwt> Release(Pending& pending, absl::StatusOr<hsm::v1::Result> answer);

  const Route* const route_;
  LiveJwts live_jwts_;
};

}  // namespace sealward::signing

#endif  // SEALWARD_SERVER_SIGNING_SIGNER_H_
