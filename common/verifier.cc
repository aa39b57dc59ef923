#include "common/verifier.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

#include "common/errors.h"
#include "common/public_key.h"

namespace sealward {
namespace {

constexpr size_t kSha256Bytes = 32;
constexpr size_t kScalarBytes = 32;  // R and S of P-256
// SEQUENCE of two INTEGERs, each with a tag, a length and perhaps a zero byte.
constexpr size_t kMaxDerSignatureBytes = 2 + 2 * (2 + 1 + kScalarBytes);
constexpr unsigned char kDerSequence = 0x30;
constexpr unsigned char kDerInteger = 0x02;

// Fetched once: OpenSSL 3.0 takes locks and looks through its providers each
// time. Never freed, since threads may verify until the process ends.
const EVP_MD* Sha256() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md;
}

// Writes `scalar` as a DER INTEGER (X.690 section 8.3): without leading zeros,
// but for one where the first bit is set. Returns the byte after it.
unsigned char* PutInteger(const unsigned char* scalar, unsigned char* out) {
  const unsigned char* const end = scalar + kScalarBytes;
  while (scalar + 1 < end && *scalar == 0) ++scalar;
  const bool pad = (*scalar & 0x80) != 0;
  const size_t size = static_cast<size_t>(end - scalar);
  *out++ = kDerInteger;
  *out++ = static_cast<unsigned char>(size + (pad ? 1 : 0));
  if (pad) *out++ = 0;
  std::memcpy(out, scalar, size);
  return out + size;
}

// R || S as the DER that OpenSSL takes. Returns its size.
size_t EcdsaToDer(const unsigned char* signature,
                  std::array<unsigned char, kMaxDerSignatureBytes>& der) {
  unsigned char* end = PutInteger(signature, der.data() + 2);
  end = PutInteger(signature + kScalarBytes, end);
  der[0] = kDerSequence;
  der[1] = static_cast<unsigned char>(end - der.data() - 2);
  return static_cast<size_t>(end - der.data());
}

}  // namespace

struct Verifier::Impl {
  const AlgorithmInfo* algorithm = nullptr;
  UniqueKey key;
  UniqueDigestContext digest;  // SHA-256 of the message; of EdDSA the verification itself
  UniqueKeyContext context;    // of ECDSA and RSA: initialised once, verifies many times

  bool Prepare() {
    digest.reset(EVP_MD_CTX_new());
    if (digest == nullptr) return false;
    if (algorithm->key_type == KeyType::kOkp) {
      return EVP_DigestVerifyInit(digest.get(), nullptr, nullptr, nullptr, key.get()) == 1;
    }
    context.reset(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    if (context == nullptr || Sha256() == nullptr || EVP_PKEY_verify_init(context.get()) != 1) {
      return false;
    }
    if (algorithm->key_type == KeyType::kRsa &&
        EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1) {
      return false;
    }
    return EVP_PKEY_CTX_set_signature_md(context.get(), Sha256()) == 1;
  }

  bool VerifyHash(absl::string_view message, absl::string_view signature) const {
    std::array<unsigned char, kSha256Bytes> hash;
    if (EVP_DigestInit_ex2(digest.get(), Sha256(), nullptr) != 1 ||
        EVP_DigestUpdate(digest.get(), message.data(), message.size()) != 1 ||
        EVP_DigestFinal_ex(digest.get(), hash.data(), nullptr) != 1) {
      return false;
    }
    if (algorithm->key_type == KeyType::kRsa) {
      return EVP_PKEY_verify(context.get(), Bytes(signature), signature.size(), hash.data(),
                             hash.size()) == 1;
    }
    std::array<unsigned char, kMaxDerSignatureBytes> der;
    const size_t size = EcdsaToDer(Bytes(signature), der);
    return EVP_PKEY_verify(context.get(), der.data(), size, hash.data(), hash.size()) == 1;
  }

  bool VerifyEdDsa(absl::string_view message, absl::string_view signature) const {
    // Later OpenSSL versions want the context to be started again; without a key
    // that costs nothing, since the one it has is kept.
    return EVP_DigestVerifyInit(digest.get(), nullptr, nullptr, nullptr, nullptr) == 1 &&
           EVP_DigestVerify(digest.get(), Bytes(signature), signature.size(), Bytes(message),
                            message.size()) == 1;
  }
};

Verifier::Verifier(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Verifier::~Verifier() = default;

absl::StatusOr<std::unique_ptr<Verifier>> Verifier::Create(const AlgorithmInfo& algorithm,
                                                           absl::string_view spki) {
  absl::StatusOr<UniqueKey> key = ParsePublicKey(algorithm, spki);
  if (!key.ok()) return key.status();
  auto impl = std::make_unique<Impl>();
  impl->algorithm = &algorithm;
  impl->key = *std::move(key);
  if (!impl->Prepare()) {
    ERR_clear_error();
    return MakeError(absl::StatusCode::kInternal, "VERIFIER_UNAVAILABLE",
                     "OpenSSL cannot prepare a verification context; check which OpenSSL "
                     "providers are loaded and whether memory is left");
  }
  return std::unique_ptr<Verifier>(new Verifier(std::move(impl)));
}

bool Verifier::Verify(absl::string_view message, absl::string_view signature) {
  if (signature.size() != impl_->algorithm->signature_bytes) return false;
  const bool valid = impl_->algorithm->key_type == KeyType::kOkp
                         ? impl_->VerifyEdDsa(message, signature)
                         : impl_->VerifyHash(message, signature);
  if (!valid) ERR_clear_error();
  return valid;
}

}  // namespace sealward
