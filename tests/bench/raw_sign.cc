// How RawModule signs: PKCS#11's names for the rows of scheme.h.
#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tests/bench/raw_module.h"

namespace sealward::bench {
namespace {

constexpr size_t kDigestInfoBytes = 19;
using DigestInfo = std::array<unsigned char, kDigestInfoBytes>;

// RFC 8017 section 9.2, note 1: DigestInfo of a SHA-2 up to the digest.
constexpr DigestInfo DigestInfoOf(unsigned char digest_bytes, unsigned char oid_end) {
  const auto all = static_cast<unsigned char>(kDigestInfoBytes - 2 + digest_bytes);
  return {0x30, all,  0x30, 0x0d, 0x06,    0x09, 0x60, 0x86, 0x48,        0x01,
          0x65, 0x03, 0x04, 0x02, oid_end, 0x05, 0x00, 0x04, digest_bytes};
}

// HashNames is one row: a hash of scheme.h as PKCS#11 and PKCS#1 name it, by its length.
struct HashNames {
  CK_ULONG bytes;
  CK_MECHANISM_TYPE mechanism;
  CK_RSA_PKCS_MGF_TYPE mgf;
  DigestInfo digest_info;
};
constexpr HashNames kHashes[] = {
    {32, CKM_SHA256, CKG_MGF1_SHA256, DigestInfoOf(32, 0x01)},
    {48, CKM_SHA384, CKG_MGF1_SHA384, DigestInfoOf(48, 0x02)},
    {64, CKM_SHA512, CKG_MGF1_SHA512, DigestInfoOf(64, 0x03)},
};

CK_MECHANISM_TYPE MechanismOf(SignatureKind kind) {
  switch (kind) {
    case SignatureKind::kEcdsa:
      return CKM_ECDSA;
    case SignatureKind::kPkcs1:
      return CKM_RSA_PKCS;
    case SignatureKind::kPss:
      return CKM_RSA_PKCS_PSS;
    case SignatureKind::kEdDsa:
      return CKM_EDDSA;
  }
  return CKM_VENDOR_DEFINED;
}

// PKCS#11 takes input as pointers to non-const and does not write to it.
unsigned char* Bytes(absl::string_view view) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
  return reinterpret_cast<unsigned char*>(const_cast<char*>(view.data()));
}

absl::Status Failed(const char* function, CK_RV rv) {
  return absl::InternalError(absl::StrCat(function, " answered 0x", absl::Hex(rv)));
}

}  // namespace

absl::StatusOr<size_t> RawModule::Sign(Hasher& hasher, CK_OBJECT_HANDLE key,
                                       absl::string_view message,
                                       std::array<unsigned char, kMaxSignatureBytes>& signature) {
  const SignatureKind kind = hasher.scheme().kind;
  absl::string_view input = hasher(message);
  CK_MECHANISM mechanism{MechanismOf(kind), nullptr, 0};
  CK_RSA_PKCS_PSS_PARAMS pss{};
  std::array<unsigned char, kDigestInfoBytes + EVP_MAX_MD_SIZE> digest_info;
  if (kind == SignatureKind::kPkcs1 || kind == SignatureKind::kPss) {
    const HashNames& hash = *std::ranges::find(kHashes, input.size(), &HashNames::bytes);
    if (kind == SignatureKind::kPss) {
      pss = {hash.mechanism, hash.mgf, hash.bytes};  // RFC 7518 section 3.5
      mechanism = {mechanism.mechanism, &pss, sizeof(pss)};
    } else {
      std::ranges::copy(input, std::ranges::copy(hash.digest_info, digest_info.begin()).out);
      input = {reinterpret_cast<const char*>(digest_info.data()), kDigestInfoBytes + input.size()};
    }
  }
  CK_RV rv = functions_->C_SignInit(session_, &mechanism, key);
  if (rv != CKR_OK) return Failed("C_SignInit", rv);
  CK_ULONG length = signature.size();
  rv = functions_->C_Sign(session_, Bytes(input), input.size(), signature.data(), &length);
  if (rv != CKR_OK) return Failed("C_Sign", rv);
  return length;
}

}  // namespace sealward::bench
