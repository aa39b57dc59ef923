#include "common/verifier.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include <array>
#include <utility>

#include "common/digest.h"
#include "common/ecdsa_signature.h"
#include "common/errors.h"
#include "common/public_key.h"

namespace sealward {
namespace {

// Lets OpenSSL take the padding's parameters; of PSS the salt must be as long as the hash.
bool SetPadding(EVP_PKEY_CTX* context, const AlgorithmInfo& algorithm, int pss_salt_bytes) {
  if (algorithm.padding == RsaPadding::kPkcs1) {
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
  }
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, pss_salt_bytes) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, DigestOf(algorithm.hash)) == 1;
}

}  // namespace

struct Verifier::Impl {
  const AlgorithmInfo* algorithm = nullptr;
  UniqueKey key;
  UniqueDigestContext digest;  // hashes the message; of EdDSA the verification itself
  bool broken = false;         // nothing is verified any more
  UniqueKeyContext context;    // of ECDSA and RSA: initialised once, verifies many times

  bool Prepare() {
    digest.reset(EVP_MD_CTX_new());
    if (digest == nullptr) return false;
    if (algorithm->key_type == KeyType::kOkp) {
      return EVP_DigestVerifyInit(digest.get(), nullptr, nullptr, nullptr, key.get()) == 1;
    }
    context.reset(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    const EVP_MD* const md = DigestOf(algorithm->hash);
    if (context == nullptr || md == nullptr || EVP_PKEY_verify_init(context.get()) != 1) {
      return false;
    }
    if (algorithm->key_type != KeyType::kRsa) {
      return EVP_PKEY_CTX_set_signature_md(context.get(), md) == 1;
    }
    return EVP_PKEY_CTX_set_signature_md(context.get(), md) == 1 &&
           SetSalt(HashBytes(algorithm->hash));
  }

  bool SetSalt(size_t bytes) const {
    return SetPadding(context.get(), *algorithm, static_cast<int>(bytes));
  }

  bool VerifyInput(const SignatureInput& input, absl::string_view signature) const {
    const bool valid = algorithm->hash == Hash::kNone ? VerifyEdDsa(input.data, signature)
                       : input.is_digest              ? VerifyDigest(input.data, signature)
                                                      : VerifyMessage(input.data, signature);
    if (!valid) ERR_clear_error();
    return valid;
  }

  bool VerifyMessage(absl::string_view message, absl::string_view signature) const {
    std::array<unsigned char, kMaxHashBytes> hash;
    return Digest(digest.get(), algorithm->hash, message, hash.data()) &&
           VerifyDigest({reinterpret_cast<char*>(hash.data()), HashBytes(algorithm->hash)},
                        signature);
  }

  bool VerifyDigest(absl::string_view hash, absl::string_view signature) const {
    if (algorithm->key_type == KeyType::kRsa) {
      return EVP_PKEY_verify(context.get(), Bytes(signature), signature.size(), Bytes(hash),
                             hash.size()) == 1;
    }
    std::array<unsigned char, kMaxDerSignatureBytes> der;
    const size_t size = EcdsaToDer(signature, der.data());
    return EVP_PKEY_verify(context.get(), der.data(), size, Bytes(hash), hash.size()) == 1;
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

const AlgorithmInfo* Verifier::algorithm() const { return impl_->algorithm; }

bool Verifier::Verify(absl::string_view message, absl::string_view signature) {
  return Verify(SignatureInput{message}, signature);
}

bool Verifier::Verify(const SignatureInput& input, absl::string_view signature) {
  const AlgorithmInfo& algorithm = *impl_->algorithm;
  if (impl_->broken || signature.size() != algorithm.signature_bytes ||
      !CheckSignatureInput(input, algorithm).ok()) {
    return false;
  }
  if (!input.pss_salt_bytes) return impl_->VerifyInput(input, signature);
  // Unless the salt is what it was again, no other signature is verified here.
  impl_->broken = true;
  const bool valid = impl_->SetSalt(*input.pss_salt_bytes) && impl_->VerifyInput(input, signature);
  impl_->broken = !impl_->SetSalt(HashBytes(algorithm.hash));
  return valid && !impl_->broken;
}

}  // namespace sealward
