// The scope check of SignJwt: what a key may say (RFC 7519, RFC 8725). The one
// place where claims are judged, whatever form they arrive in.
#ifndef SEALWARD_SERVER_SIGNING_CLAIMS_H_
#define SEALWARD_SERVER_SIGNING_CLAIMS_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/catalog/snapshot.h"

namespace sealward::signing {

// Limits on claims.
inline constexpr size_t kMaxClaimsBytes = 65'536;
inline constexpr int kMaxClaimsDepth = 16;
inline constexpr size_t kMaxAudiences = 64;  // values of one `aud`
// How far in the future nbf and iat may be.
inline constexpr absl::Duration kMaxFutureStart = absl::Minutes(5);
// How much longer than the key's longest lifetime the time from iat to exp may
// be: clocks differ, and claims take a while to get here.
inline constexpr absl::Duration kMaxPastIssue = absl::Minutes(5);

// Checks that `claims`, the payload of a JWT (decoded, where it came in
// BASE64URL), may be signed by `key` at `now`, byte for byte as they are. The
// result depends on nothing else. OK, or an error with the claim and the rule in
// the message, never the value:
//
// INVALID_ARGUMENT (CLAIMS_INVALID): not exactly one JSON object in UTF-8
// (RFC 8259; a byte order mark, a NUL even as \u0000, an unpaired surrogate, a
// trailing byte are errors), a member name that occurs twice at any level
// (after escapes are resolved), over kMaxClaimsBytes, deeper than
// kMaxClaimsDepth, a number that overflows a double, a member of the claims
// object whose name differs from a registered claim in case only (Go and .NET
// read "AUD" as aud), iss/sub/jti that is no string, aud that is neither a
// string nor an array of at most kMaxAudiences strings, exp/nbf/iat that is no
// NumericDate (RFC 7519 section 2; a number from 0 to 2^53, fractions allowed).
//
// FAILED_PRECONDITION (CLAIMS_OUT_OF_SCOPE): iss is not exactly the issuer's
// URL; aud is missing, empty, or has a value that is not one of the key's
// audiences; exp is missing, not after now, or further away than the key's
// max_jwt_lifetime, or after `latest_expiry`, until which the signing version is sure to be
// published; nbf or iat lies more than kMaxFutureStart ahead or is not
// before exp; exp lies more than max_jwt_lifetime + kMaxPastIssue after iat (a
// validator that goes by the age of a JWT would reckon a longer life than the
// key allows); or one of the key's claim_rules (key_service.proto) is broken:
// sub, as resolved from its escapes, is missing, empty, or not a prefix with
// more after it, byte for byte; jti is missing or empty.
absl::Status CheckClaims(const catalog::Key& key, absl::string_view claims, absl::Time now,
                         absl::Time latest_expiry = absl::InfiniteFuture());

}  // namespace sealward::signing

#endif  // SEALWARD_SERVER_SIGNING_CLAIMS_H_
