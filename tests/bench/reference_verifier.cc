#include "tests/bench/reference_verifier.h"

#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace sealward::bench {
namespace {

constexpr size_t kP256Bytes = 32;
constexpr size_t kMaxEcdsaDerBytes = 2 + 2 * (2 + 1 + kP256Bytes);

const unsigned char* Bytes(absl::string_view view) {
  return reinterpret_cast<const unsigned char*>(view.data());
}

// Appends one INTEGER of ECDSA-Sig-Value (RFC 3279 section 2.2.3): shortest
// form, a zero byte in front where the first bit would read as a sign.
unsigned char* PutInteger(const unsigned char* value, unsigned char* out) {
  size_t skip = 0;
  while (skip + 1 < kP256Bytes && value[skip] == 0) ++skip;
  const bool pad = (value[skip] & 0x80) != 0;
  const size_t bytes = kP256Bytes - skip + (pad ? 1 : 0);
  *out++ = 0x02;
  *out++ = static_cast<unsigned char>(bytes);
  if (pad) *out++ = 0;
  return std::copy(value + skip, value + kP256Bytes, out);
}

}  // namespace

absl::StatusOr<Scheme> SchemeOf(absl::string_view jose_alg) {
  if (jose_alg == "ES256") return Scheme::kEs256;
  if (jose_alg == "RS256") return Scheme::kRs256;
  if (jose_alg == "EdDSA") return Scheme::kEdDsa;
  return absl::InvalidArgumentError(absl::StrCat("no such algorithm here: ", jose_alg));
}

Sha256::Sha256() : md_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), ctx_(EVP_MD_CTX_new()) {}

Digest Sha256::operator()(absl::string_view message) {
  Digest digest{};
  EVP_DigestInit_ex2(ctx_.get(), md_.get(), nullptr);
  EVP_DigestUpdate(ctx_.get(), message.data(), message.size());
  EVP_DigestFinal_ex(ctx_.get(), digest.data(), nullptr);
  return digest;
}

absl::StatusOr<std::unique_ptr<ReferenceVerifier>> ReferenceVerifier::Create(
    Scheme scheme, const std::string& spki) {
  const unsigned char* in = Bytes(spki);
  UniquePkey key(d2i_PUBKEY(nullptr, &in, static_cast<long>(spki.size())));
  if (key == nullptr) return absl::InvalidArgumentError("not a DER SubjectPublicKeyInfo");
  std::unique_ptr<ReferenceVerifier> verifier(new ReferenceVerifier(scheme, std::move(key)));
  if (absl::Status status = verifier->Warm(); !status.ok()) return status;
  return verifier;
}

absl::Status ReferenceVerifier::Warm() {
  bool warm = true;
  if (scheme_ == Scheme::kEdDsa) {
    one_shot_.reset(EVP_MD_CTX_new());
    warm = EVP_DigestVerifyInit(one_shot_.get(), nullptr, nullptr, nullptr, key_.get()) == 1;
  } else {
    verify_.reset(EVP_PKEY_CTX_new(key_.get(), nullptr));
    warm = EVP_PKEY_verify_init(verify_.get()) == 1;
  }
  if (warm && scheme_ == Scheme::kRs256) {
    warm = EVP_PKEY_CTX_set_rsa_padding(verify_.get(), RSA_PKCS1_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(verify_.get(), EVP_sha256()) == 1;
  }
  return warm ? absl::OkStatus() : absl::InternalError("OpenSSL cannot verify with this key");
}

bool ReferenceVerifier::Verify(absl::string_view message, absl::string_view signature) {
  switch (scheme_) {
    case Scheme::kEs256:
      return VerifyEcdsa(sha256_(message), signature);
    case Scheme::kRs256: {
      const Digest digest = sha256_(message);
      return EVP_PKEY_verify(verify_.get(), Bytes(signature), signature.size(), digest.data(),
                             digest.size()) == 1;
    }
    case Scheme::kEdDsa:
      return EVP_DigestVerify(one_shot_.get(), Bytes(signature), signature.size(), Bytes(message),
                              message.size()) == 1;
  }
  return false;
}

bool ReferenceVerifier::VerifyEcdsa(const Digest& digest, absl::string_view signature) {
  if (signature.size() != 2 * kP256Bytes) return false;
  std::array<unsigned char, kMaxEcdsaDerBytes> der;
  unsigned char* end = PutInteger(Bytes(signature), der.data() + 2);
  end = PutInteger(Bytes(signature) + kP256Bytes, end);
  der[0] = 0x30;
  der[1] = static_cast<unsigned char>(end - der.data() - 2);
  return EVP_PKEY_verify(verify_.get(), der.data(), static_cast<size_t>(end - der.data()),
                         digest.data(), digest.size()) == 1;
}

}  // namespace sealward::bench
