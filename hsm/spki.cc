#include "hsm/spki.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace sealward::hsm {
namespace {

// DER tags.
constexpr char kInteger = 0x02;
constexpr char kBitString = 0x03;
constexpr char kOctetString = 0x04;
constexpr char kSequence = 0x30;

// OBJECT IDENTIFIERs: id-ecPublicKey (RFC 5480), rsaEncryption with its NULL
// parameters (RFC 3279).
constexpr absl::string_view kEcPublicKey("\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", 9);
constexpr absl::string_view kRsaEncryption("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00",
                                           13);

constexpr char kUncompressed = 0x04;

// tag || length || content (X.690 section 8.1); at most 65,535 bytes.
std::string Der(char tag, absl::string_view content) {
  std::string out(1, tag);
  const size_t size = content.size();
  if (size >= 0x100) {
    out.push_back('\x82');
    out.push_back(static_cast<char>(size >> 8));
  } else if (size >= 0x80) {
    out.push_back('\x81');
  }
  out.push_back(static_cast<char>(size & 0xff));
  absl::StrAppend(&out, content);
  return out;
}

// An unsigned INTEGER: no leading zeros but the one that keeps it positive.
std::string UnsignedInteger(absl::string_view bytes) {
  while (bytes.size() > 1 && bytes.front() == 0) bytes.remove_prefix(1);
  const bool high_bit = (bytes.front() & 0x80) != 0;
  return Der(kInteger,
             high_bit ? absl::StrCat(absl::string_view("\0", 1), bytes) : std::string(bytes));
}

std::string Spki(absl::string_view algorithm_identifier, absl::string_view key) {
  const std::string bits = absl::StrCat(absl::string_view("\0", 1), key);  // no unused bits
  return Der(kSequence, absl::StrCat(Der(kSequence, algorithm_identifier), Der(kBitString, bits)));
}

}  // namespace

absl::StatusOr<std::string> RsaSpki(absl::string_view modulus, absl::string_view exponent) {
  if (modulus.empty() || exponent.empty()) {
    return absl::InvalidArgumentError("the public key has no modulus or exponent");
  }
  return Spki(kRsaEncryption,
              Der(kSequence, absl::StrCat(UnsignedInteger(modulus), UnsignedInteger(exponent))));
}

absl::StatusOr<std::string> EcSpki(const Mechanism& mechanism, absl::string_view ec_point) {
  const bool edwards = mechanism.key_type == CKK_EC_EDWARDS;
  const size_t coordinate = mechanism.algorithm->coordinate_bytes;
  const size_t size = edwards ? coordinate : 1 + 2 * coordinate;  // else 04 || x || y
  // The DER that PKCS#11 asks for; some modules leave it away.
  const std::string wrapped = Der(kOctetString, std::string(size, 0));
  if (ec_point.size() == wrapped.size()) {
    absl::ConsumePrefix(&ec_point, wrapped.substr(0, wrapped.size() - size));
  }
  if (ec_point.size() != size || (!edwards && ec_point[0] != kUncompressed)) {
    return absl::InvalidArgumentError("CKA_EC_POINT is no point of the curve");
  }
  return Spki(
      edwards ? std::string(mechanism.ec_params) : absl::StrCat(kEcPublicKey, mechanism.ec_params),
      ec_point);
}

}  // namespace sealward::hsm
