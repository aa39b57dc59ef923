#include "tests/bench/reference_verifier.h"

#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

namespace sealward::bench {
namespace {

constexpr size_t kMaxCoordinateBytes = 66;     // P-521
constexpr size_t kMaxSequenceHeaderBytes = 3;  // a tag, and a length in one or two bytes
constexpr size_t kMaxEcdsaDerBytes = kMaxSequenceHeaderBytes + 2 * (2 + 1 + kMaxCoordinateBytes);

const unsigned char* Bytes(absl::string_view view) {
  return reinterpret_cast<const unsigned char*>(view.data());
}

// Appends one INTEGER of ECDSA-Sig-Value (RFC 3279 section 2.2.3): shortest
// form, a zero byte in front where the first bit would read as a sign.
unsigned char* PutInteger(absl::string_view value, unsigned char* out) {
  while (value.size() > 1 && value[0] == 0) value.remove_prefix(1);
  const bool pad = (value[0] & 0x80) != 0;
  *out++ = 0x02;
  *out++ = static_cast<unsigned char>(value.size() + (pad ? 1 : 0));
  if (pad) *out++ = 0;
  return std::copy_n(Bytes(value), value.size(), out);
}

// Puts the SEQUENCE's tag and length in front of its content; returns where it begins.
unsigned char* PutSequenceBefore(unsigned char* content, size_t size) {
  *--content = static_cast<unsigned char>(size);
  if (size >= 0x80) *--content = 0x81;
  *--content = 0x30;
  return content;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ReferenceVerifier>> ReferenceVerifier::Create(
    const Scheme& scheme, const std::string& spki) {
  const unsigned char* in = Bytes(spki);
  UniquePkey key(d2i_PUBKEY(nullptr, &in, static_cast<long>(spki.size())));
  if (key == nullptr) return absl::InvalidArgumentError("not a DER SubjectPublicKeyInfo");
  std::unique_ptr<ReferenceVerifier> verifier(new ReferenceVerifier(scheme, std::move(key)));
  if (!verifier->Warm()) return absl::InternalError("OpenSSL cannot verify with this key");
  return verifier;
}

bool ReferenceVerifier::Warm() {
  if (scheme_.kind == SignatureKind::kEdDsa) {
    one_shot_.reset(EVP_MD_CTX_new());
    return EVP_DigestVerifyInit(one_shot_.get(), nullptr, nullptr, nullptr, key_.get()) == 1;
  }
  verify_.reset(EVP_PKEY_CTX_new(key_.get(), nullptr));
  if (hasher_.md() == nullptr || EVP_PKEY_verify_init(verify_.get()) != 1) return false;
  return scheme_.kind == SignatureKind::kEcdsa || WarmRsa();
}

// PSS as RFC 7518 section 3.5 has it: MGF1 of the same hash, which is OpenSSL's default, and
// a salt as long as the hash.
bool ReferenceVerifier::WarmRsa() {
  const bool pss = scheme_.kind == SignatureKind::kPss;
  EVP_PKEY_CTX* const ctx = verify_.get();
  return EVP_PKEY_CTX_set_rsa_padding(ctx, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1 &&
         EVP_PKEY_CTX_set_signature_md(ctx, hasher_.md()) == 1 &&
         (!pss || EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

bool ReferenceVerifier::Verify(absl::string_view message, absl::string_view signature) {
  switch (scheme_.kind) {
    case SignatureKind::kEcdsa:
      return VerifyEcdsa(hasher_(message), signature);
    case SignatureKind::kPkcs1:
    case SignatureKind::kPss:
      return VerifyDigest(hasher_(message), signature);
    case SignatureKind::kEdDsa:
      return EVP_DigestVerify(one_shot_.get(), Bytes(signature), signature.size(), Bytes(message),
                              message.size()) == 1;
  }
  return false;
}

bool ReferenceVerifier::VerifyDigest(absl::string_view digest, absl::string_view signature) {
  return EVP_PKEY_verify(verify_.get(), Bytes(signature), signature.size(), Bytes(digest),
                         digest.size()) == 1;
}

bool ReferenceVerifier::VerifyEcdsa(absl::string_view digest, absl::string_view signature) {
  const size_t half = scheme_.coordinate_bytes;
  if (signature.size() != 2 * half) return false;
  std::array<unsigned char, kMaxEcdsaDerBytes> der;
  unsigned char* const content = der.data() + kMaxSequenceHeaderBytes;
  unsigned char* const s = PutInteger(signature.substr(0, half), content);
  unsigned char* const end = PutInteger(signature.substr(half), s);
  const unsigned char* begin = PutSequenceBefore(content, static_cast<size_t>(end - content));
  return VerifyDigest(digest,
                      {reinterpret_cast<const char*>(begin), static_cast<size_t>(end - begin)});
}

}  // namespace sealward::bench
