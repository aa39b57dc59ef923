// What is asked of sealward-server, and what it answers.
#ifndef SEALWARD_CLIENT_REQUESTS_H_
#define SEALWARD_CLIENT_REQUESTS_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"

namespace sealward::client {

// Most requests in one batch; the server's limit.
inline constexpr size_t kMaxBatchSize = 256;

// JwtRequest asks for one JWT: of claims, to which the server makes the header, or of
// a ready signing input. Both are held to the key's scope.
struct JwtRequest {
  std::string key;     // tenants/{tenant}/keys/{key}, of purpose JWT
  std::string claims;  // one JSON object in UTF-8, at most 65,536 bytes; signed verbatim
  std::string typ;     // the header's typ; empty for the key's default
  // BASE64URL(header) '.' BASE64URL(claims) (RFC 7515 section 5.1), at most 98,304
  // bytes; if there is one, claims and typ are not looked at. Its header names alg and
  // kid of the version that signs: client/header_signer.h finds them.
  std::string signing_input = {};
};

// SignedJwt is a JWT in compact form (RFC 7515 section 7.1), with the kid of the
// version that signed it.
struct SignedJwt {
  std::string jwt;
  std::string kid;
};

// SignatureEncoding is the form of an ECDSA signature; others have one form.
enum class SignatureEncoding {
  kP1363,  // R || S, as JOSE has it (RFC 7518 section 3.4)
  kDer,    // Ecdsa-Sig-Value (RFC 3279 section 2.2.3), as X.509 and TLS have it
};

// RawRequest asks for a signature of bytes of any meaning.
struct RawRequest {
  std::string key;               // tenants/{tenant}/keys/{key}, of purpose RAW
  std::string input;             // 0 to 65,536 bytes
  bool input_is_digest = false;  // else it is hashed by the signer; not for EdDSA
  std::string kid = {};          // sign with this version only; empty for whichever signs
  SignatureEncoding encoding = SignatureEncoding::kP1363;
  // Of RSASSA-PSS: 0 to the hash's length, which is the default.
  std::optional<int> pss_salt_bytes = std::nullopt;
};

// RawSignature is the signature, and the kid of the version that made it.
struct RawSignature {
  std::string signature;
  std::string kid;
};

// BatchItemOf is one request of an asynchronous batch with its own callback.
template <typename Request, typename Answer>
struct BatchItemOf {
  Request request;
  absl::AnyInvocable<void(absl::StatusOr<Answer>)> done;
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_REQUESTS_H_
