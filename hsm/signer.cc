#include "hsm/signer.h"

#include <openssl/crypto.h>

#include <array>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "hsm/log.h"
#include "hsm/pkcs11/rv.h"
#include "hsm/stack_burn.h"

namespace sealward::hsm {
namespace {

constexpr size_t kSha256Bytes = 32;

// DER of DigestInfo{sha256, digest} up to the digest (RFC 8017 section 9.2).
constexpr std::array<unsigned char, 19> kSha256DigestInfo = {
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
    0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};

constexpr size_t kHashedInputBytes = kSha256DigestInfo.size() + kSha256Bytes;

bool MayTryAgain(CK_RV rv) {
  return !pkcs11::IsTokenLost(rv) && !pkcs11::IsPinRefusal(rv) && !pkcs11::IsExhausted(rv);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Signer>> Signer::Create(OpenPartition& partition, KeyStore& keys,
                                                       SessionCopies& copies) {
  EVP_MD* sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::unique_ptr<Signer> signer(new Signer(partition, keys, copies, sha256, context));
  if (sha256 == nullptr || context == nullptr ||
      EVP_DigestInit_ex2(context, sha256, nullptr) != 1) {
    return absl::InternalError("OpenSSL has no SHA-256");
  }
  return signer;
}

Signer::~Signer() {
  EVP_MD_CTX_free(context_);
  EVP_MD_free(sha256_);
}

bool Signer::Hash(absl::string_view message, unsigned char* digest) {
  return EVP_DigestInit_ex2(context_, nullptr, nullptr) == 1 &&
         EVP_DigestUpdate(context_, message.data(), message.size()) == 1 &&
         EVP_DigestFinal_ex(context_, digest, nullptr) == 1;
}

CK_RV Signer::SignOnce(KeyObject& object, absl::string_view message, std::string& signature) {
  const Mechanism& mechanism = *object.mechanism;
  std::array<unsigned char, kHashedInputBytes> hashed{};
  absl::string_view input = message;
  if (mechanism.input != SignInput::kMessage) {
    const size_t prefix = mechanism.input == SignInput::kDigestInfo ? kSha256DigestInfo.size() : 0;
    std::memcpy(hashed.data(), kSha256DigestInfo.data(), prefix);
    if (!Hash(message, hashed.data() + prefix)) return CKR_FUNCTION_FAILED;
    input = absl::string_view(reinterpret_cast<char*>(hashed.data()), prefix + kSha256Bytes);
  }
  signature.resize(mechanism.algorithm->signature_bytes);
  CK_ULONG size = signature.size();
  const CK_RV rv =
      partition_.signing->Sign(mechanism.sign, copies_.HandleFor(object), input,
                               reinterpret_cast<unsigned char*>(signature.data()), &size);
  // With the signature, a digest is half of what a leaked nonce needs.
  OPENSSL_cleanse(hashed.data(), hashed.size());
  BurnStack();
  if (rv == CKR_OK && size != signature.size()) return CKR_SIGNATURE_LEN_RANGE;
  return rv;
}

absl::Status Signer::RenewSession() {
  auto session = pkcs11::Session::Open(*partition_.module, partition_.slot.id);
  if (!session.ok()) return session.status();
  partition_.signing = *std::move(session);
  session_in_doubt_ = false;
  return absl::OkStatus();
}

absl::Status Signer::Recover(KeyObject*& object) {
  const ObjectId id = object->id;
  const std::string spki = object->spki;
  const std::string label = object->label_text;
  keys_.Forget(id);
  if (absl::Status s = RenewSession(); !s.ok()) return s;
  auto found = keys_.Find(id);
  if (!found.ok()) return found.status();
  if (absl::Status s = ReadPublicKey(*partition_.objects, **found); !s.ok()) return s;
  if (absl::Status s = CheckPrivateKey(*partition_.objects, **found); !s.ok()) return s;
  if ((*found)->spki != spki || (*found)->label_text != label) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "OBJECT_CHANGED",
                     absl::StrCat("object ", Hex(id), " is another key now"));
  }
  object = *found;
  return absl::OkStatus();
}

absl::Status Signer::Sign(KeyObject*& object, absl::string_view message, std::string& signature) {
  if (session_in_doubt_) {
    if (absl::Status s = RenewSession(); !s.ok()) return s;
  }
  CK_RV rv = SignOnce(*object, message, signature);
  if (rv != CKR_OK && MayTryAgain(rv)) {
    LogWarning(absl::StrCat("signing with object ", Hex(object->id), ": ", pkcs11::RvName(rv),
                            "; looking for it again"));
    if (absl::Status s = Recover(object); !s.ok()) return s;
    rv = SignOnce(*object, message, signature);
  }
  if (rv != CKR_OK) {
    session_in_doubt_ = true;
    return pkcs11::RvStatus(rv, absl::StrCat("signing with object ", Hex(object->id)));
  }
  ++*object->signatures;
  return absl::OkStatus();
}

}  // namespace sealward::hsm
