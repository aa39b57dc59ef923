// Ready JWS signing inputs, as issuer libraries hand them over (RFC 7515 section 5.1).
#ifndef SEALWARD_SERVER_SIGNING_SIGNING_INPUT_H_
#define SEALWARD_SERVER_SIGNING_SIGNING_INPUT_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealward::signing {

// Encoded, as sealward-hsm has it, too (hsm/header_check.h); the claims' own limit leaves room.
inline constexpr size_t kMaxHeaderBytes = 1024;
inline constexpr size_t kMaxSigningInputBytes = 98'304;

// ReadyHeader is a JOSE header of an issuer library.
struct ReadyHeader {
  std::string alg;
  std::string kid;
  std::optional<std::string> typ;
};

// ReadySigningInput is what a signing input says.
struct ReadySigningInput {
  ReadyHeader header;
  std::string claims;  // decoded; not looked at
};

// Reads BASE64URL(header) '.' BASE64URL(claims), where the header is one JSON object
// (strict_json.h) with strings for alg, kid and at most a typ. INVALID_ARGUMENT
// (SIGNING_INPUT_INVALID) for anything else: no dot or two, padding, unused bits that are not
// zero, another header parameter (jku, jwk, x5u, x5c, crit, b64, zip and cty among them; RFC
// 8725 section 3), one twice, or a limit exceeded. Messages do not quote the input. Pure.
absl::StatusOr<ReadySigningInput> ReadSigningInput(absl::string_view input);

}  // namespace sealward::signing

#endif  // SEALWARD_SERVER_SIGNING_SIGNING_INPUT_H_
