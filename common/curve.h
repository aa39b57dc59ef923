// The elliptic curves of RFC 7518 section 6.2.1.1, as OpenSSL and DER see them. Private to
// common/ and tests/fakes/.
#ifndef SEALWARD_COMMON_CURVE_H_
#define SEALWARD_COMMON_CURVE_H_

#include "absl/strings/string_view.h"
#include "common/algorithms.h"

namespace sealward {

// Curve is one row. Rows are constants.
struct Curve {
  absl::string_view crv;  // as AlgorithmInfo has it
  int nid;
  const char* group;  // OpenSSL's group name
  // All of a SubjectPublicKeyInfo before X || Y (RFC 5480 section 2): id-ecPublicKey, the
  // curve, a BIT STRING that begins with the byte of an uncompressed point.
  absl::string_view spki_prefix;
};

// The curve of an algorithm of KeyType::kEc; nullptr for others.
const Curve* FindCurve(const AlgorithmInfo& algorithm);

}  // namespace sealward

#endif  // SEALWARD_COMMON_CURVE_H_
