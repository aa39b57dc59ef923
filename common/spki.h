// The members of a DER SubjectPublicKeyInfo, read without making an OpenSSL key of it.
#ifndef SEALWARD_COMMON_SPKI_H_
#define SEALWARD_COMMON_SPKI_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "common/algorithms.h"

namespace sealward {

// PublicMembers are a public key's numbers, big-endian; views of the SPKI. EC: x and y,
// of the curve's size each. OKP: x, 32 bytes. RSA: n and e, without leading zeros.
struct PublicMembers {
  absl::string_view x = {};
  absl::string_view y = {};
  absl::string_view n = {};
  absl::string_view e = {};
};

// The members of a key of `algorithm` (RFC 5280 section 4.1.2.7; RFC 5480, RFC 8410,
// RFC 8017 appendix A.1.1); nullopt for anything but its one DER encoding. A point off the
// curve is refused, and so is an RSA modulus that is even or has another size, and an
// exponent that is even or not between 2^16 and 2^64. It does not look for factors of the
// modulus: ParsePublicKey (public_key.h) does, in some hundred times as long.
std::optional<PublicMembers> ReadSpki(const AlgorithmInfo& algorithm, absl::string_view spki);

}  // namespace sealward

#endif  // SEALWARD_COMMON_SPKI_H_
