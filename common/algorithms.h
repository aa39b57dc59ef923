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

// What a message is hashed with before it is signed; kNone where the signature
// scheme does that by itself (EdDSA). The values are sizes in bytes.
enum class Hash { kNone = 0, kSha256 = 32, kSha384 = 48, kSha512 = 64 };
constexpr size_t HashBytes(Hash hash) { return static_cast<size_t>(hash); }

// Of RSA signatures (RFC 8017): RSASSA-PKCS1-v1_5, or RSASSA-PSS with MGF1 of the same
// hash and, in a JWS, a salt as long as the hash (RFC 7518 section 3.5).
enum class RsaPadding { kNotRsa, kPkcs1, kPss };

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
  Hash hash;
  RsaPadding padding = RsaPadding::kNotRsa;  // RSA
  size_t coordinate_bytes = 0;               // EC and OKP: of x, and of y, R and S where there are
};

// Every algorithm, each kind of key's usual one first: what an object in an HSM that names
// no algorithm signs with is the first row that fits its key.
std::span<const AlgorithmInfo> AllAlgorithms();

// The row of `algorithm`, or nullptr for UNSPECIFIED and values unknown here.
const AlgorithmInfo* FindAlgorithm(v1::Algorithm algorithm);

// Whether `algorithm` is the first row of its kind and size of key.
bool IsUsual(const AlgorithmInfo& algorithm);

// The row named `name` (exact, for example "ES256" or "RS256-2048"), or nullptr.
const AlgorithmInfo* FindAlgorithmByName(absl::string_view name);

}  // namespace sealward

#endif  // SEALWARD_COMMON_ALGORITHMS_H_
