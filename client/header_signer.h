// JWTs with a header of the issuer's own making.
#ifndef SEALWARD_CLIENT_HEADER_SIGNER_H_
#define SEALWARD_CLIENT_HEADER_SIGNER_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/signer.h"
#include "client/signing_key_cache.h"

namespace sealward::client {

// HeaderSigner signs ready signing inputs: it asks a SigningKeyCache which version
// signs now, has the caller make the header for it, and sends both parts as they are.
// Where the server refuses the kid (KID_NOT_SIGNING: a rotation or an operator was
// faster than the cache) the kid is forgotten and all of it done once more, with the
// next one.
//
// Errors: those of Signer::SignJwt, of SigningKeyCache::Get and of the function that
// makes headers; HEADER_MISMATCH and SIGNING_INPUT_INVALID say that that function made
// a header that the server does not sign.
//
// Threads: thread-safe. Callbacks as Signer's. It holds nothing: what is under way ends
// with the cache and the Signer.
class HeaderSigner {
 public:
  // Makes the header, one JSON object of strings, for the version that signs now: its
  // kid is version.kid(), its alg version.jwk().alg(); at most a typ besides. Called
  // once or twice a JWT, perhaps on a thread of gRPC: it must not block.
  using MakeHeader = std::function<absl::StatusOr<std::string>(const v1::SigningKey& version)>;

  // REQUIRES: both outlive it; `cache` goes before `signer`.
  HeaderSigner(Signer* signer, SigningKeyCache* cache) : signer_(signer), cache_(cache) {}

  // Signs `claims` (one JSON object in UTF-8) with `key`.
  absl::StatusOr<SignedJwt> Sign(absl::string_view key, std::string claims, MakeHeader make_header,
                                 absl::Time deadline);
  void SignAsync(absl::string_view key, std::string claims, MakeHeader make_header,
                 absl::Time deadline, Signer::JwtCallback done);

 private:
  class Attempt;
  Signer* const signer_;
  SigningKeyCache* const cache_;
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_HEADER_SIGNER_H_
