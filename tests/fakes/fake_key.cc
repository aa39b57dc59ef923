#include "tests/fakes/fake_key.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "common/digest.h"

namespace sealward::fakes {
namespace {

struct KeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyDeleter>;

KeyPtr MakeKey(const AlgorithmInfo& algorithm) {
  switch (algorithm.key_type) {
    case KeyType::kEc:
      return KeyPtr(EVP_EC_gen(algorithm.crv.data()));
    case KeyType::kRsa:
      return KeyPtr(EVP_RSA_gen(static_cast<unsigned>(algorithm.modulus_bits)));
    case KeyType::kOkp:
      return KeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }
  return nullptr;
}

std::string SpkiOf(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  std::string spki(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return spki;
}

// DER Ecdsa-Sig-Value to R || S (RFC 7518 section 3.4).
std::string JoseEcdsa(const std::string& der, size_t scalar_bytes) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  std::string out(2 * scalar_bytes, '\0');
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  const auto size = static_cast<int>(scalar_bytes);
  BN_bn2binpad(ECDSA_SIG_get0_r(signature), bytes, size);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature), bytes + scalar_bytes, size);
  ECDSA_SIG_free(signature);
  return out;
}

// PSS with a salt of `pss_salt_bytes`, or of the hash's length.
std::string SignWith(EVP_PKEY* key, const AlgorithmInfo& algorithm, const std::string& message,
                     std::optional<size_t> pss_salt_bytes) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* parameters = nullptr;
  EVP_DigestSignInit(context, &parameters, DigestOf(algorithm.hash), nullptr, key);
  if (algorithm.padding == RsaPadding::kPss) {
    EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(
        parameters, static_cast<int>(pss_salt_bytes.value_or(HashBytes(algorithm.hash))));
  }
  const auto* data = reinterpret_cast<const unsigned char*>(message.data());
  size_t size = 0;
  EVP_DigestSign(context, nullptr, &size, data, message.size());
  std::string out(size, '\0');
  EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, data,
                 message.size());
  out.resize(size);
  EVP_MD_CTX_free(context);
  return algorithm.key_type == KeyType::kEc ? JoseEcdsa(out, algorithm.coordinate_bytes) : out;
}

// What SignWith signs of a message whose hash is `digest`.
std::string SignDigestWith(EVP_PKEY* key, const AlgorithmInfo& algorithm, const std::string& digest,
                           std::optional<size_t> pss_salt_bytes) {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(key, nullptr);
  EVP_PKEY_sign_init(context);
  EVP_PKEY_CTX_set_signature_md(context, DigestOf(algorithm.hash));
  if (algorithm.padding == RsaPadding::kPss) {
    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(
        context, static_cast<int>(pss_salt_bytes.value_or(HashBytes(algorithm.hash))));
  }
  const auto* data = reinterpret_cast<const unsigned char*>(digest.data());
  size_t size = 0;
  EVP_PKEY_sign(context, nullptr, &size, data, digest.size());
  std::string out(size, '\0');
  EVP_PKEY_sign(context, reinterpret_cast<unsigned char*>(out.data()), &size, data, digest.size());
  out.resize(size);
  EVP_PKEY_CTX_free(context);
  return algorithm.key_type == KeyType::kEc ? JoseEcdsa(out, algorithm.coordinate_bytes) : out;
}

class OpenSslKey final : public FakeKey {
 public:
  explicit OpenSslKey(const AlgorithmInfo& algorithm)
      : algorithm_(algorithm), key_(MakeKey(algorithm)) {}

  std::string Spki() const override { return SpkiOf(key_.get()); }
  std::string Sign(const std::string& message, std::optional<size_t> salt) const override {
    return SignWith(key_.get(), algorithm_, message, salt);
  }
  std::string SignDigest(const std::string& digest, std::optional<size_t> salt) const override {
    return SignDigestWith(key_.get(), algorithm_, digest, salt);
  }

 private:
  const AlgorithmInfo& algorithm_;
  KeyPtr key_;
};

}  // namespace

std::unique_ptr<FakeKey> FakeKey::Make(const AlgorithmInfo& algorithm) {
  return std::make_unique<OpenSslKey>(algorithm);
}

}  // namespace sealward::fakes
