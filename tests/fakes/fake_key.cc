#include "tests/fakes/fake_key.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

namespace sealward::fakes {
namespace {

constexpr size_t kScalarBytes = 32;  // of P-256

struct KeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyDeleter>;

KeyPtr MakeKey(const AlgorithmInfo& algorithm) {
  switch (algorithm.key_type) {
    case KeyType::kEc:
      return KeyPtr(EVP_EC_gen("P-256"));
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
std::string JoseEcdsa(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  std::string out(2 * kScalarBytes, '\0');
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(signature), bytes, kScalarBytes);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature), bytes + kScalarBytes, kScalarBytes);
  ECDSA_SIG_free(signature);
  return out;
}

std::string SignWith(EVP_PKEY* key, const AlgorithmInfo& algorithm, const std::string& message) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestSignInit(context, nullptr, algorithm.key_type == KeyType::kOkp ? nullptr : EVP_sha256(),
                     nullptr, key);
  const auto* data = reinterpret_cast<const unsigned char*>(message.data());
  size_t size = 0;
  EVP_DigestSign(context, nullptr, &size, data, message.size());
  std::string out(size, '\0');
  EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, data,
                 message.size());
  out.resize(size);
  EVP_MD_CTX_free(context);
  return algorithm.key_type == KeyType::kEc ? JoseEcdsa(out) : out;
}

class OpenSslKey final : public FakeKey {
 public:
  explicit OpenSslKey(const AlgorithmInfo& algorithm)
      : algorithm_(algorithm), key_(MakeKey(algorithm)) {}

  std::string Spki() const override { return SpkiOf(key_.get()); }
  std::string Sign(const std::string& message) const override {
    return SignWith(key_.get(), algorithm_, message);
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
