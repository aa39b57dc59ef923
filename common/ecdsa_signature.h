// The two forms of an ECDSA signature: R || S (RFC 7518 section 3.4), and DER of
// Ecdsa-Sig-Value (RFC 3279 section 2.2.3).
#ifndef SEALWARD_COMMON_ECDSA_SIGNATURE_H_
#define SEALWARD_COMMON_ECDSA_SIGNATURE_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace sealward {

// Of P-521, the longest.
inline constexpr size_t kMaxScalarBytes = 66;
// SEQUENCE of two INTEGERs: a tag and a length each, where the sequence's takes up to two
// bytes and an integer may begin with a zero byte.
inline constexpr size_t kMaxDerSignatureBytes = 3 + 2 * (2 + 1 + kMaxScalarBytes);

// Writes the DER of `signature`, R || S, to `out`, which has room for kMaxDerSignatureBytes, and
// returns its size. REQUIRES: two scalars of the same size, 1 to kMaxScalarBytes each.
size_t EcdsaToDer(absl::string_view signature, unsigned char* out);

}  // namespace sealward

#endif  // SEALWARD_COMMON_ECDSA_SIGNATURE_H_
