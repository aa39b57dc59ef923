#include "hsm/mechanisms.h"

#include <algorithm>
#include <optional>

namespace sealward::hsm {
namespace {

// DER OBJECT IDENTIFIERs: 1.2.840.10045.3.1.7 (RFC 5480), 1.3.101.112 (RFC 8410).
constexpr absl::string_view kP256("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10);
constexpr absl::string_view kEd25519("\x06\x03\x2b\x65\x70", 5);

const Mechanism* Table() {
  using enum SignInput;
  using ::sealward::v1::Algorithm;
  static const Mechanism table[] = {
      {FindAlgorithm(Algorithm::ALGORITHM_ES256), CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, CKK_EC, kP256,
       256, kDigest},
      {FindAlgorithm(Algorithm::ALGORITHM_RS256_2048), CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_RSA_PKCS,
       CKK_RSA, "", 2048, kDigestInfo},
      {FindAlgorithm(Algorithm::ALGORITHM_RS256_3072), CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_RSA_PKCS,
       CKK_RSA, "", 3072, kDigestInfo},
      {FindAlgorithm(Algorithm::ALGORITHM_RS256_4096), CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_RSA_PKCS,
       CKK_RSA, "", 4096, kDigestInfo},
      {FindAlgorithm(Algorithm::ALGORITHM_EDDSA_ED25519), CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA,
       CKK_EC_EDWARDS, kEd25519, 255, kMessage},
  };
  return table;
}

constexpr size_t kRows = 5;

// Whether the module offers `type` for this purpose and size. Edwards keys are
// counted as 255 or 256 bits, by module.
bool Offers(const pkcs11::Module& module, CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_FLAGS flag,
            CK_ULONG bits) {
  const std::optional<CK_MECHANISM_INFO> info = module.Mechanism(slot, type);
  if (!info || (info->flags & flag) == 0) return false;
  return info->ulMinKeySize <= bits + (bits % 2) && info->ulMaxKeySize >= bits;
}

}  // namespace

std::span<const Mechanism> AllMechanisms() { return {Table(), kRows}; }

const Mechanism* FindMechanism(::sealward::v1::Algorithm algorithm) {
  for (const Mechanism& row : AllMechanisms()) {
    if (row.algorithm->algorithm == algorithm) return &row;
  }
  return nullptr;
}

const Mechanism* MatchMechanism(CK_KEY_TYPE key_type, absl::string_view ec_params,
                                CK_ULONG modulus_bits) {
  for (const Mechanism& row : AllMechanisms()) {
    if (row.key_type != key_type || row.ec_params != ec_params) continue;
    if (key_type != CKK_RSA || row.size_bits == modulus_bits) return &row;
  }
  return nullptr;
}

std::vector<const Mechanism*> DiscoverMechanisms(const pkcs11::Module& module, CK_SLOT_ID slot) {
  std::vector<const Mechanism*> found;
  for (const Mechanism& row : AllMechanisms()) {
    if (Offers(module, slot, row.generate, CKF_GENERATE_KEY_PAIR, row.size_bits) &&
        Offers(module, slot, row.sign, CKF_SIGN, row.size_bits)) {
      found.push_back(&row);
    }
  }
  return found;
}

}  // namespace sealward::hsm
