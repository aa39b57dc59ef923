#include "hsm/signer.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/errors.h"
#include "hsm/log.h"
#include "hsm/outage.h"
#include "hsm/pkcs11/rv.h"
#include "hsm/stack_burn.h"

namespace sealward::hsm {
namespace {

// DER of DigestInfo{hash, digest} up to the digest (RFC 8017 section 9.2): of the three
// hashes, three bytes differ.
constexpr size_t kDigestInfoBytes = 19;

std::array<unsigned char, kDigestInfoBytes> DigestInfo(Hash hash) {
  const auto bytes = static_cast<unsigned char>(HashBytes(hash));
  const unsigned char id = hash == Hash::kSha256 ? 1 : hash == Hash::kSha384 ? 2 : 3;
  return {0x30, static_cast<unsigned char>(17 + bytes),
          0x30, 0x0d,
          0x06, 0x09,
          0x60, 0x86,
          0x48, 0x01,
          0x65, 0x03,
          0x04, 0x02,
          id,   0x05,
          0x00, 0x04,
          bytes};
}

// What C_Sign gets where it does not get the message: a digest, perhaps with its prefix.
class HashedInput {
 public:
  HashedInput() = default;
  // With the signature, a digest is half of what a leaked nonce needs.
  ~HashedInput() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }
  HashedInput(const HashedInput&) = delete;
  HashedInput& operator=(const HashedInput&) = delete;

  bool Fill(EVP_MD_CTX* context, const Mechanism& mechanism, const SignatureInput& input) {
    const Hash hash = mechanism.algorithm->hash;
    if (mechanism.input == SignInput::kDigestInfo) {
      const auto prefix = DigestInfo(hash);
      std::ranges::copy(prefix, bytes_.begin());
      size_ = prefix.size();
    }
    unsigned char* const digest = bytes_.data() + size_;
    size_ += HashBytes(hash);
    if (!input.is_digest) return Digest(context, hash, input.data, digest);
    if (input.data.size() != HashBytes(hash)) return false;
    std::memcpy(digest, input.data.data(), input.data.size());
    return true;
  }

  absl::string_view view() const { return {reinterpret_cast<const char*>(bytes_.data()), size_}; }

 private:
  std::array<unsigned char, kDigestInfoBytes + kMaxHashBytes> bytes_{};
  size_t size_ = 0;
};

}  // namespace

bool MayTryAgain(CK_RV rv) { return !EndsTheProcess(rv) && !pkcs11::IsExhausted(rv); }

absl::StatusOr<std::unique_ptr<Signer>> Signer::Create(OpenPartition& partition, KeyStore& keys,
                                                       SessionCopies& copies, size_t session) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::unique_ptr<Signer> signer(new Signer(partition, keys, copies, session, context));
  for (const Hash hash : {Hash::kSha256, Hash::kSha384, Hash::kSha512}) {
    if (context == nullptr || DigestOf(hash) == nullptr) {
      return absl::InternalError("OpenSSL has no SHA-2");
    }
  }
  return signer;
}

Signer::~Signer() { EVP_MD_CTX_free(context_); }

CK_RV Signer::SignOnce(KeyObject& object, const SignatureInput& input, std::string& signature) {
  const Mechanism& mechanism = *object.mechanism;
  const bool whole = mechanism.input == SignInput::kMessage;
  HashedInput hashed;
  if (whole ? input.is_digest : !hashed.Fill(context_, mechanism, input)) return CKR_DATA_INVALID;
  CK_RSA_PKCS_PSS_PARAMS pss{mechanism.hash, mechanism.mgf,
                             input.pss_salt_bytes.value_or(HashBytes(mechanism.algorithm->hash))};
  CK_MECHANISM how{mechanism.sign, nullptr, 0};
  if (mechanism.hash != 0) how = {mechanism.sign, &pss, sizeof pss};
  signature.resize(mechanism.algorithm->signature_bytes);
  CK_ULONG size = signature.size();
  const CK_RV rv = partition_.signing[session_]->Sign(
      how, copies_.HandleFor(object), whole ? input.data : hashed.view(),
      reinterpret_cast<unsigned char*>(signature.data()), &size);
  BurnStack();
  if (rv == CKR_OK && size != signature.size()) return CKR_SIGNATURE_LEN_RANGE;
  return rv;
}

absl::Status Signer::RenewSession() {
  // The old one first: an HSM may have no more sessions than these.
  session_in_doubt_ = true;
  partition_.signing[session_].reset();
  auto session = pkcs11::Session::Open(*partition_.module, partition_.slot.id);
  if (!session.ok()) return session.status();
  partition_.signing[session_] = *std::move(session);
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

absl::Status Signer::Settle() { return session_in_doubt_ ? RenewSession() : absl::OkStatus(); }

CK_RV Signer::TryOnce(KeyObject& object, const SignatureInput& input, std::string& signature) {
  const CK_RV rv = SignOnce(object, input, signature);
  session_in_doubt_ = rv != CKR_OK;
  return rv;
}

absl::Status Signer::Sign(KeyObject*& object, const SignatureInput& input, std::string& signature) {
  if (absl::Status s = Settle(); !s.ok()) return s;
  CK_RV rv = SignOnce(*object, input, signature);
  if (rv != CKR_OK && MayTryAgain(rv)) {
    LogWarning(absl::StrCat("signing with object ", Hex(object->id), ": ", pkcs11::RvName(rv),
                            "; looking for it again"));
    if (absl::Status s = Recover(object); !s.ok()) return s;
    rv = SignOnce(*object, input, signature);
  }
  if (rv != CKR_OK) {
    session_in_doubt_ = true;
    return pkcs11::RvStatus(rv, absl::StrCat("signing with object ", Hex(object->id)));
  }
  ++*object->signatures;
  return absl::OkStatus();
}

}  // namespace sealward::hsm
