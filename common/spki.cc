#include "common/spki.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include <bit>
#include <cstddef>
#include <memory>

#include "absl/strings/strip.h"
#include "common/curve.h"

namespace sealward {
namespace {

constexpr size_t kEd25519Bytes = 32;
constexpr size_t kMinExponentBits = 17;
constexpr size_t kMaxExponentBits = 64;

constexpr unsigned char kInteger = 0x02;
constexpr unsigned char kBitString = 0x03;
constexpr unsigned char kSequence = 0x30;

// All of an SPKI before the key: id-Ed25519, a BIT STRING.
constexpr absl::string_view kEd25519Prefix("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);
// The AlgorithmIdentifier: rsaEncryption, NULL.
constexpr absl::string_view kRsaAlgorithm(
    "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 15);

unsigned char ByteAt(absl::string_view text, size_t index) {
  return static_cast<unsigned char>(text[index]);
}

bool IsOdd(absl::string_view number) { return (ByteAt(number, number.size() - 1) & 1) != 0; }

size_t BitsOf(absl::string_view number) {
  return (number.size() - 1) * 8 + static_cast<size_t>(std::bit_width(ByteAt(number, 0)));
}

// Takes the value of one element off `der`; nullopt if that has another tag, a length that
// is not in its shortest form (X.690 section 10.1), or ends too soon.
std::optional<absl::string_view> Take(unsigned char tag, absl::string_view& der) {
  if (der.size() < 2 || ByteAt(der, 0) != tag) return std::nullopt;
  size_t length = ByteAt(der, 1);
  size_t header = 2;
  if (length >= 0x80) {
    const size_t count = length - 0x80;
    header += count;
    if (count == 0 || count > 2 || der.size() < header) return std::nullopt;
    length = ByteAt(der, 2);
    if (count == 2) length = length << 8 | ByteAt(der, 3);
    if (length < (count == 2 ? 0x100U : 0x80U)) return std::nullopt;
  }
  if (der.size() - header < length) return std::nullopt;
  const absl::string_view value = der.substr(header, length);
  der.remove_prefix(header + length);
  return value;
}

// As Take, of an INTEGER above zero in its shortest form (X.690 section 8.3.2), without
// the zero byte that may lead it.
std::optional<absl::string_view> TakePositive(absl::string_view& der) {
  auto value = Take(kInteger, der);
  if (!value || value->empty() || ByteAt(*value, 0) >= 0x80) return std::nullopt;
  if (ByteAt(*value, 0) != 0) return value;
  value->remove_prefix(1);
  if (value->empty() || ByteAt(*value, 0) < 0x80) return std::nullopt;
  return value;
}

// A curve in OpenSSL's hands, made once and never freed.
const EC_GROUP* GroupOf(int nid) {
  static const EC_GROUP* const p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  static const EC_GROUP* const p384 = EC_GROUP_new_by_curve_name(NID_secp384r1);
  static const EC_GROUP* const p521 = EC_GROUP_new_by_curve_name(NID_secp521r1);
  return nid == NID_X9_62_prime256v1 ? p256 : nid == NID_secp384r1 ? p384 : p521;
}

// Whether 04 || X || Y is a point of the curve; the NIST curves have none of small order.
bool IsOnCurve(const Curve& curve, absl::string_view uncompressed_point) {
  const EC_GROUP* const group = GroupOf(curve.nid);
  const std::unique_ptr<EC_POINT, decltype(&EC_POINT_free)> point(EC_POINT_new(group),
                                                                  EC_POINT_free);
  const bool is_on =
      point != nullptr &&
      EC_POINT_oct2point(group, point.get(),
                         reinterpret_cast<const unsigned char*>(uncompressed_point.data()),
                         uncompressed_point.size(), nullptr) == 1;
  if (!is_on) ERR_clear_error();
  return is_on;
}

std::optional<PublicMembers> ReadEc(const AlgorithmInfo& algorithm, absl::string_view spki) {
  const Curve& curve = *FindCurve(algorithm);
  const size_t bytes = algorithm.coordinate_bytes;
  absl::string_view point = spki;
  if (!absl::ConsumePrefix(&point, curve.spki_prefix) || point.size() != 2 * bytes ||
      !IsOnCurve(curve, spki.substr(curve.spki_prefix.size() - 1))) {
    return std::nullopt;
  }
  return PublicMembers{.x = point.substr(0, bytes), .y = point.substr(bytes)};
}

std::optional<PublicMembers> ReadEd25519(absl::string_view spki) {
  if (!absl::ConsumePrefix(&spki, kEd25519Prefix) || spki.size() != kEd25519Bytes) {
    return std::nullopt;
  }
  return PublicMembers{.x = spki};
}

std::optional<PublicMembers> ReadRsa(absl::string_view spki, size_t modulus_bits) {
  auto info = Take(kSequence, spki);
  if (!info || !spki.empty() || !absl::ConsumePrefix(&*info, kRsaAlgorithm)) {
    return std::nullopt;
  }
  auto bits = Take(kBitString, *info);
  if (!bits || !info->empty() || bits->empty() || ByteAt(*bits, 0) != 0) return std::nullopt;
  bits->remove_prefix(1);  // the number of unused bits
  auto key = Take(kSequence, *bits);
  if (!key || !bits->empty()) return std::nullopt;
  const auto n = TakePositive(*key);
  const auto e = n ? TakePositive(*key) : std::nullopt;
  if (!e || !key->empty()) return std::nullopt;
  if (BitsOf(*n) != modulus_bits || !IsOdd(*n) || !IsOdd(*e) || BitsOf(*e) < kMinExponentBits ||
      BitsOf(*e) > kMaxExponentBits) {
    return std::nullopt;
  }
  return PublicMembers{.n = *n, .e = *e};
}

}  // namespace

std::optional<PublicMembers> ReadSpki(const AlgorithmInfo& algorithm, absl::string_view spki) {
  switch (algorithm.key_type) {
    case KeyType::kEc:
      return ReadEc(algorithm, spki);
    case KeyType::kRsa:
      return ReadRsa(spki, static_cast<size_t>(algorithm.modulus_bits));
    case KeyType::kOkp:
      return ReadEd25519(spki);
  }
  return std::nullopt;
}

}  // namespace sealward
