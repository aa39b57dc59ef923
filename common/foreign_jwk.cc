#include "common/foreign_jwk.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/algorithms.h"
#include "common/base64url.h"
#include "common/curve.h"
#include "common/errors.h"
#include "common/jwk.h"
#include "common/public_key.h"

namespace sealward {
namespace {

using UniqueParams = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>>;
using UniqueParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>>;

constexpr size_t kMaxMemberBytes = 1024;     // the modulus of RSA-4096 has 683
constexpr char kUncompressedPoint = '\x04';  // SEC 1 section 2.3.3

absl::Status Invalid(absl::string_view what) {
  ERR_clear_error();
  return MakeError(absl::StatusCode::kInvalidArgument, "JWK_INVALID",
                   absl::StrCat("foreign_key.jwk: ", what));
}

bool IsKid(absl::string_view kid) {
  return !kid.empty() && kid.size() <= kMaxForeignKidBytes && std::ranges::all_of(kid, [](char c) {
    return absl::ascii_isprint(static_cast<unsigned char>(c));
  });
}

UniqueNumber Number(const std::string& big_endian) {
  return UniqueNumber(BN_bin2bn(Bytes(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

// The key of `type` that `builder` describes; null if it is none.
UniqueKey MakeKey(const char* type, OSSL_PARAM_BLD* builder) {
  const UniqueParams params(OSSL_PARAM_BLD_to_param(builder));
  const UniqueKeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (params == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return UniqueKey(key);
}

UniqueKey EcKey(const AlgorithmInfo& algorithm, const std::string& x, const std::string& y) {
  const UniqueParamBuilder builder(OSSL_PARAM_BLD_new());
  const std::string point = absl::StrCat(std::string(1, kUncompressedPoint), x, y);
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                  FindCurve(algorithm)->group, 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  return MakeKey("EC", builder.get());
}

UniqueKey RsaKey(const std::string& n, const std::string& e) {
  const UniqueParamBuilder builder(OSSL_PARAM_BLD_new());
  const UniqueNumber modulus = Number(n);
  const UniqueNumber exponent = Number(e);
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return MakeKey("RSA", builder.get());
}

UniqueKey OkpKey(const std::string& x) {
  return UniqueKey(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(x), x.size()));
}

std::string ToSpki(const EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size < 0) return "";
  std::string spki(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return spki;
}

// The row of the JWK's alg; of RSA ones that of its modulus.
const AlgorithmInfo* RowOf(const v1::PublicJwk& jwk, size_t modulus_bytes) {
  for (const AlgorithmInfo& row : AllAlgorithms()) {
    if (row.jose_alg != jwk.alg() || row.kty != jwk.kty() || row.crv != jwk.crv()) continue;
    if (row.key_type == KeyType::kRsa &&
        modulus_bytes != static_cast<size_t>(row.modulus_bits) / 8) {
      continue;
    }
    return &row;
  }
  return nullptr;
}

absl::StatusOr<std::string> Member(absl::string_view name, const std::string& value) {
  auto decoded = value.size() <= kMaxMemberBytes ? Base64UrlDecode(value) : std::nullopt;
  if (decoded) return *std::move(decoded);
  return Invalid(absl::StrCat(name, " is not base64url without padding, or too long"));
}

}  // namespace

absl::StatusOr<v1::PublicJwk> CheckForeignJwk(const v1::PublicJwk& jwk) {
  if (!IsKid(jwk.kid())) return Invalid("kid must be 1 to 256 printable ASCII characters");
  if (!jwk.use().empty() && jwk.use() != "sig") return Invalid("use must be \"sig\", or left out");
  const auto x = Member("x", jwk.x());
  const auto y = Member("y", jwk.y());
  const auto n = Member("n", jwk.n());
  const auto e = Member("e", jwk.e());
  for (const auto* member : {&x, &y, &n, &e}) {
    if (!member->ok()) return member->status();
  }
  const AlgorithmInfo* row = RowOf(jwk, n->size());
  if (row == nullptr) {
    return Invalid(
        "kty, crv, alg and size must be those of an algorithm that Sealward knows: ES256, ES384, "
        "ES512, RS256 to PS512 with 2048, 3072 or 4096 bits, EdDSA with Ed25519");
  }
  UniqueKey key;
  if (row->key_type == KeyType::kEc) key = EcKey(*row, *x, *y);
  if (row->key_type == KeyType::kRsa) key = RsaKey(*n, *e);
  if (row->key_type == KeyType::kOkp) key = OkpKey(*x);
  if (key == nullptr) return Invalid("its members are no public key");
  auto checked = JwkFromSpki(*row, ToSpki(key.get()));
  if (!checked.ok()) return Invalid("its members are no valid public key of its alg");
  checked->set_kid(jwk.kid());
  v1::PublicJwk given = jwk;
  given.set_use("sig");
  // What differs is a leading zero, or a member of another key type.
  if (given.SerializeAsString() != checked->SerializeAsString()) {
    return Invalid("a member is not in its canonical form, or does not belong to its kty");
  }
  return checked;
}

}  // namespace sealward
