#include "common/jwk.h"

#include <openssl/evp.h>

#include <array>

#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "common/errors.h"
#include "common/public_key.h"
#include "common/spki.h"

namespace sealward {
namespace {

constexpr size_t kSha256Bytes = 32;

}  // namespace

absl::StatusOr<v1::PublicJwk> JwkFromSpki(const AlgorithmInfo& algorithm, absl::string_view spki) {
  const absl::StatusOr<UniqueKey> key = ParsePublicKey(algorithm, spki);
  if (!key.ok()) return key.status();
  return JwkFromCheckedSpki(algorithm, spki);
}

absl::StatusOr<v1::PublicJwk> JwkFromCheckedSpki(const AlgorithmInfo& algorithm,
                                                 absl::string_view spki) {
  const auto members = ReadSpki(algorithm, spki);
  if (!members) {
    return MakeError(absl::StatusCode::kInvalidArgument, "PUBLIC_KEY_INVALID",
                     absl::StrCat("the public key is no ", algorithm.name, " key"));
  }
  v1::PublicJwk jwk;
  jwk.set_kty(std::string(algorithm.kty));
  jwk.set_alg(std::string(algorithm.jose_alg));
  jwk.set_use("sig");
  jwk.set_crv(std::string(algorithm.crv));
  // Coordinates of full size (RFC 7518 section 6.2.1.2), numbers of the least (6.3.1.1).
  jwk.set_x(Base64UrlEncode(members->x));
  jwk.set_y(Base64UrlEncode(members->y));
  jwk.set_n(Base64UrlEncode(members->n));
  jwk.set_e(Base64UrlEncode(members->e));
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
