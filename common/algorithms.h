// The one table of algorithms, as JOSE sees them. What PKCS#11 calls them is
// in hsm/mechanisms.h, row by row for the same enum.
#ifndef SEALWARD_COMMON_ALGORITHMS_H_
#define SEALWARD_COMMON_ALGORITHMS_H_

#include <cstddef>
#include <span>

#include "absl/strings/string_view.h"
#include "sealward/v1/algorithm.pb.h"

namespace sealward {

enum class KeyType { kEc, kRsa, kOkp };

// AlgorithmInfo is one row: everything about an algorithm that does not depend
// on who holds the private key. Rows are constants; pointers to them never end.
struct AlgorithmInfo {
  v1::Algorithm algorithm;
  absl::string_view name;      // in the CLI and in messages, for example "RS256-2048"
  absl::string_view jose_alg;  // RFC 7518 section 3.1, RFC 8037 section 3.1
  KeyType key_type;
  absl::string_view kty;   // RFC 7518 section 6.1, RFC 8037 section 2
  absl::string_view crv;   // EC and OKP, else empty
  int modulus_bits;        // RSA, else 0
  size_t signature_bytes;  // in JWS form
};

// Every algorithm, in the order of the enum.
std::span<const AlgorithmInfo> AllAlgorithms();

// The row of `algorithm`, or nullptr for UNSPECIFIED and values unknown here.
const AlgorithmInfo* FindAlgorithm(v1::Algorithm algorithm);

// The row named `name` (exact, for example "ES256" or "RS256-2048"), or nullptr.
const AlgorithmInfo* FindAlgorithmByName(absl::string_view name);

}  // namespace sealward

#endif  // SEALWARD_COMMON_ALGORITHMS_H_
