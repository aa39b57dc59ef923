#include "common/public_key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <array>

#include "absl/strings/str_cat.h"
#include "common/curve.h"
#include "common/errors.h"

namespace sealward {
namespace {

constexpr int kMinExponentBits = 17;
constexpr int kMaxExponentBits = 64;

absl::Status Invalid(const AlgorithmInfo& algorithm, absl::string_view why) {
  ERR_clear_error();
  return MakeError(absl::StatusCode::kInvalidArgument, "PUBLIC_KEY_INVALID",
                   absl::StrCat("the public key is no ", algorithm.name, " key: ", why));
}

bool IsCurve(const EVP_PKEY* key, absl::string_view group) {
  std::array<char, 32> name{};
  size_t size = 0;
  return EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) == 1 &&
         absl::string_view(name.data(), size) == group;
}

bool IsSoundRsa(const EVP_PKEY* key, int modulus_bits) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bits(key) != modulus_bits ||
      EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &raw) != 1) {
    return false;
  }
  const UniqueNumber e(raw);
  const int bits = BN_num_bits(e.get());
  return BN_is_odd(e.get()) && bits >= kMinExponentBits && bits <= kMaxExponentBits;
}

// i2d gives DER, so what it does not reproduce was not DER, or not all of it.
bool IsCanonical(EVP_PKEY* key, absl::string_view spki) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size < 0) return false;
  const bool same =
      absl::string_view(reinterpret_cast<const char*>(der), static_cast<size_t>(size)) == spki;
  OPENSSL_free(der);
  return same;
}

}  // namespace

absl::StatusOr<UniqueKey> ParsePublicKey(const AlgorithmInfo& algorithm, absl::string_view spki) {
  if (spki.empty() || spki.size() > kMaxSpkiBytes) {
    return Invalid(algorithm, absl::StrCat("it has ", spki.size(), " bytes"));
  }
  const unsigned char* at = Bytes(spki);
  UniqueKey key(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  if (key == nullptr) return Invalid(algorithm, "it is no DER SubjectPublicKeyInfo");
  if (at != Bytes(spki) + spki.size()) return Invalid(algorithm, "bytes follow it");

  switch (algorithm.key_type) {
    case KeyType::kEc:
      if (EVP_PKEY_is_a(key.get(), "EC") != 1) return Invalid(algorithm, "it is not of type EC");
      if (!IsCurve(key.get(), FindCurve(algorithm)->group)) {
        return Invalid(algorithm, absl::StrCat("it is not on curve ", algorithm.crv));
      }
      break;
    case KeyType::kRsa:
      if (EVP_PKEY_is_a(key.get(), "RSA") != 1) return Invalid(algorithm, "it is not of type RSA");
      if (!IsSoundRsa(key.get(), algorithm.modulus_bits)) {
        return Invalid(algorithm, absl::StrCat("its modulus has not ", algorithm.modulus_bits,
                                               " bits, or its exponent is out of bounds"));
      }
      break;
    case KeyType::kOkp:
      if (EVP_PKEY_is_a(key.get(), "ED25519") != 1) {
        return Invalid(algorithm, "it is not of type Ed25519");
      }
      break;
  }
  if (!IsCanonical(key.get(), spki)) return Invalid(algorithm, "it is not in its DER form");
  const UniqueKeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (check == nullptr || EVP_PKEY_public_check(check.get()) != 1) {
    return Invalid(algorithm, "its value is not a valid public key");
  }
  return key;
}

}  // namespace sealward
