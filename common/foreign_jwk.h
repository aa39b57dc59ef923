// Public keys that others hand us as a JWK.
#ifndef SEALWARD_COMMON_FOREIGN_JWK_H_
#define SEALWARD_COMMON_FOREIGN_JWK_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "sealward/v1/jwk.pb.h"

namespace sealward {

// Longest kid that is published for others.
inline constexpr size_t kMaxForeignKidBytes = 256;

// `jwk` as it is to be published: checked as our own public keys are (curve, point,
// modulus, exponent; every member in its one canonical form), with `use` set. Its kid
// stays as it is. INVALID_ARGUMENT (JWK_INVALID), naming the member: a key type, size
// or algorithm that common/algorithms.h does not have; members that do not belong to
// its type; a kid that is empty, too long or not printable ASCII.
absl::StatusOr<v1::PublicJwk> CheckForeignJwk(const v1::PublicJwk& jwk);

}  // namespace sealward

#endif  // SEALWARD_COMMON_FOREIGN_JWK_H_
