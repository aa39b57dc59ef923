// Public keys as JOSE publishes them.
#ifndef SEALWARD_COMMON_JWK_H_
#define SEALWARD_COMMON_JWK_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/algorithms.h"
#include "sealward/v1/jwk.pb.h"

namespace sealward {

// The JWK of a DER SubjectPublicKeyInfo, with kid, alg and use set.
// INVALID_ARGUMENT if it is not one key of the algorithm's type, curve and size,
// or if bytes follow it.
absl::StatusOr<v1::PublicJwk> JwkFromSpki(const AlgorithmInfo& algorithm, absl::string_view spki);

// As that, for a key that it took before and whose thumbprint is recorded: without the
// checks that take long (spki.h has the others). So a record that was damaged is found,
// since no damage keeps SHA-256.
absl::StatusOr<v1::PublicJwk> JwkFromCheckedSpki(const AlgorithmInfo& algorithm,
                                                 absl::string_view spki);

// RFC 7638 SHA-256 thumbprint of the key's required members (RFC 8037 section 2
// for OKP), base64url: 43 characters. Reads kty, crv, x, y, n and e only.
std::string JwkThumbprint(const v1::PublicJwk& jwk);

}  // namespace sealward

#endif  // SEALWARD_COMMON_JWK_H_
