#include "examples/cpp/es256.h"

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

namespace example {
namespace {

constexpr size_t kCoordinateBytes = 32;
// SubjectPublicKeyInfo of P-256 (RFC 5480) up to its point, which begins with 04: uncompressed.
constexpr unsigned char kSpkiPrefix[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                         0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                         0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

const unsigned char* Bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// OpenSSL wants Ecdsa-Sig-Value in DER; JOSE has R || S. Empty if it is neither.
std::string DerOf(const std::string& signature) {
  if (signature.size() != 2 * kCoordinateBytes) return "";
  const std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>> value(ECDSA_SIG_new());
  ECDSA_SIG_set0(value.get(), BN_bin2bn(Bytes(signature), kCoordinateBytes, nullptr),
                 BN_bin2bn(Bytes(signature) + kCoordinateBytes, kCoordinateBytes, nullptr));
  unsigned char* der = nullptr;
  const int length = i2d_ECDSA_SIG(value.get(), &der);
  if (length < 0) return "";
  std::string out(der, der + length);
  OPENSSL_free(der);
  return out;
}

}  // namespace

bool VerifyEs256(const std::string& x, const std::string& y, const std::string& message,
                 const std::string& signature) {
  if (x.size() != kCoordinateBytes || y.size() != kCoordinateBytes) return false;
  const std::string spki = std::string(std::begin(kSpkiPrefix), std::end(kSpkiPrefix)) + x + y;
  const unsigned char* at = Bytes(spki);
  const std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>> key(
      d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  const std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  const std::string der = DerOf(signature);
  return key != nullptr && !der.empty() &&
         EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), Bytes(der), der.size(), Bytes(message), message.size()) ==
             1;
}

}  // namespace example
