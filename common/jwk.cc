#include "common/jwk.h"

#include <openssl/core_names.h>

#include <array>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "common/errors.h"
#include "common/public_key.h"

namespace sealward {
namespace {

constexpr int kCoordinateBytes = 32;  // P-256
constexpr size_t kSha256Bytes = 32;

// The big-endian bytes of a parameter in base64url, padded with zeros to `bytes`
// (RFC 7518 section 6.2.1.2), or as few as hold it if `bytes` is 0 (section
// 6.3.1.1). Empty on failure.
std::string NumberMember(const EVP_PKEY* key, const char* name, int bytes) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return "";
  const UniqueNumber number(raw);
  const int size = bytes == 0 ? BN_num_bytes(number.get()) : bytes;
  std::string octets(static_cast<size_t>(size), '\0');
  if (BN_bn2binpad(number.get(), reinterpret_cast<unsigned char*>(octets.data()), size) != size) {
    return "";
  }
  return Base64UrlEncode(octets);
}

std::string RawMember(const EVP_PKEY* key) {
  std::array<unsigned char, 32> raw{};
  size_t size = raw.size();
  if (EVP_PKEY_get_raw_public_key(key, raw.data(), &size) != 1) return "";
  return Base64UrlEncode(absl::string_view(reinterpret_cast<const char*>(raw.data()), size));
}

// Whether the members that the thumbprint covers are all there.
bool IsComplete(const v1::PublicJwk& jwk, KeyType type) {
  switch (type) {
    case KeyType::kEc:
      return !jwk.x().empty() && !jwk.y().empty();
    case KeyType::kRsa:
      return !jwk.n().empty() && !jwk.e().empty();
    case KeyType::kOkp:
      return !jwk.x().empty();
  }
  return false;
}

}  // namespace

absl::StatusOr<v1::PublicJwk> JwkFromSpki(const AlgorithmInfo& algorithm, absl::string_view spki) {
  const absl::StatusOr<UniqueKey> key = ParsePublicKey(algorithm, spki);
  if (!key.ok()) return key.status();

  v1::PublicJwk jwk;
  jwk.set_kty(std::string(algorithm.kty));
  jwk.set_alg(std::string(algorithm.jose_alg));
  jwk.set_use("sig");
  jwk.set_crv(std::string(algorithm.crv));
  switch (algorithm.key_type) {
    case KeyType::kEc:
      jwk.set_x(NumberMember(key->get(), OSSL_PKEY_PARAM_EC_PUB_X, kCoordinateBytes));
      jwk.set_y(NumberMember(key->get(), OSSL_PKEY_PARAM_EC_PUB_Y, kCoordinateBytes));
      break;
    case KeyType::kRsa:
      jwk.set_n(NumberMember(key->get(), OSSL_PKEY_PARAM_RSA_N, 0));
      jwk.set_e(NumberMember(key->get(), OSSL_PKEY_PARAM_RSA_E, 0));
      break;
    case KeyType::kOkp:
      jwk.set_x(RawMember(key->get()));
      break;
  }
  if (!IsComplete(jwk, algorithm.key_type)) {
    return MakeError(absl::StatusCode::kInternal, "PUBLIC_KEY_UNREADABLE",
                     absl::StrCat("OpenSSL does not give the members of a ", algorithm.name,
                                  " key; check which OpenSSL providers are loaded"));
  }
  jwk.set_kid(JwkThumbprint(jwk));
  return jwk;
}

std::string JwkThumbprint(const v1::PublicJwk& jwk) {
  // RFC 7638 section 3.3: required members only, in lexicographic order, no
  // white space. Base64url and the names of types and curves need no escapes.
  std::string json;
  if (jwk.kty() == "EC") {
    json = absl::StrCat(R"({"crv":")", jwk.crv(), R"(","kty":"EC","x":")", jwk.x(), R"(","y":")",
                        jwk.y(), R"("})");
  } else if (jwk.kty() == "RSA") {
    json = absl::StrCat(R"({"e":")", jwk.e(), R"(","kty":"RSA","n":")", jwk.n(), R"("})");
  } else if (jwk.kty() == "OKP") {
    json = absl::StrCat(R"({"crv":")", jwk.crv(), R"(","kty":"OKP","x":")", jwk.x(), R"("})");
  } else {
    return "";
  }
  std::array<unsigned char, kSha256Bytes> hash{};
  if (EVP_Digest(json.data(), json.size(), hash.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    return "";
  }
  return Base64UrlEncode(
      absl::string_view(reinterpret_cast<const char*>(hash.data()), hash.size()));
}

}  // namespace sealward
