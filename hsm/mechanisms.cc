#include "hsm/mechanisms.h"

#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "hsm/log.h"
#include "hsm/outage.h"
#include "hsm/pkcs11/rv.h"

namespace sealward::hsm {
namespace {

// DER OBJECT IDENTIFIERs: 1.2.840.10045.3.1.7, 1.3.132.0.34 and 1.3.132.0.35 (RFC 5480),
// 1.3.101.112 (RFC 8410).
struct CurveParameters {
  absl::string_view crv;
  CK_MECHANISM_TYPE generate;
  CK_MECHANISM_TYPE sign;
  CK_KEY_TYPE key_type;
  absl::string_view ec_params;
  CK_ULONG size_bits;
  SignInput input;
};
constexpr CurveParameters kCurves[] = {
    {"P-256", CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, CKK_EC,
     absl::string_view("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10), 256, SignInput::kDigest},
    {"P-384", CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, CKK_EC,
     absl::string_view("\x06\x05\x2b\x81\x04\x00\x22", 7), 384, SignInput::kDigest},
    {"P-521", CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, CKK_EC,
     absl::string_view("\x06\x05\x2b\x81\x04\x00\x23", 7), 521, SignInput::kDigest},
    {"Ed25519", CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA, CKK_EC_EDWARDS,
     absl::string_view("\x06\x03\x2b\x65\x70", 5), 255, SignInput::kMessage},
};

struct PssHash {
  Hash hash;
  CK_MECHANISM_TYPE mechanism;
  CK_ULONG mgf;
};
constexpr PssHash kPssHashes[] = {
    {Hash::kSha256, CKM_SHA256, CKG_MGF1_SHA256},
    {Hash::kSha384, CKM_SHA384, CKG_MGF1_SHA384},
    {Hash::kSha512, CKM_SHA512, CKG_MGF1_SHA512},
};

Mechanism RsaMechanism(const AlgorithmInfo& row) {
  const auto bits = static_cast<CK_ULONG>(row.modulus_bits);
  if (row.padding == RsaPadding::kPkcs1) {
    return {
        &row, CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_RSA_PKCS, CKK_RSA, "", bits, SignInput::kDigestInfo, 0,
        0};
  }
  const PssHash& hash = *std::ranges::find(kPssHashes, row.hash, &PssHash::hash);
  return {&row, CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_RSA_PKCS_PSS, CKK_RSA, "",
          bits, SignInput::kDigest,        hash.mechanism,   hash.mgf};
}

std::vector<Mechanism> MakeTable() {
  std::vector<Mechanism> table;
  for (const AlgorithmInfo& row : AllAlgorithms()) {
    if (row.key_type == KeyType::kRsa) {
      table.push_back(RsaMechanism(row));
      continue;
    }
    const CurveParameters& curve = *std::ranges::find(kCurves, row.crv, &CurveParameters::crv);
    table.push_back({&row, curve.generate, curve.sign, curve.key_type, curve.ec_params,
                     curve.size_bits, curve.input, 0, 0});
  }
  return table;
}

using Offered = std::map<CK_MECHANISM_TYPE, CK_MECHANISM_INFO>;

// Whether `type` is offered for this purpose and size. Edwards keys are counted as 255
// or 256 bits, by module.
bool Offers(const Offered& offered, CK_MECHANISM_TYPE type, CK_FLAGS flag, CK_ULONG bits) {
  const auto found = offered.find(type);
  if (found == offered.end() || (found->second.flags & flag) == 0) return false;
  return found->second.ulMinKeySize <= bits + (bits % 2) && found->second.ulMaxKeySize >= bits;
}

// One that is listed and not described counts as not offered, unless it is the HSM that is gone.
absl::StatusOr<Offered> WhatIsOffered(const pkcs11::Module& module, CK_SLOT_ID slot) {
  auto listed = module.Mechanisms(slot);
  if (!listed.ok()) return listed.status();
  Offered offered;
  for (const Mechanism& row : AllMechanisms()) {
    for (const CK_MECHANISM_TYPE type : {row.generate, row.sign}) {
      if (std::ranges::find(*listed, type) == listed->end() || offered.contains(type)) continue;
      auto info = module.MechanismInfo(slot, type);
      if (EndsTheProcess(pkcs11::RvOf(info.status()))) return info.status();
      offered[type] = info.value_or(CK_MECHANISM_INFO{});
      if (!info.ok()) {
        LogWarning(absl::StrCat("mechanism ", type, " is listed, but taken for not offered: ",
                                std::string(info.status().message())));
      }
    }
  }
  return offered;
}

}  // namespace

std::span<const Mechanism> AllMechanisms() {
  static const auto* const table = new std::vector<Mechanism>(MakeTable());
  return *table;
}

const Mechanism* FindMechanism(::sealward::v1::Algorithm algorithm) {
  for (const Mechanism& row : AllMechanisms()) {
    if (row.algorithm->algorithm == algorithm) return &row;
  }
  return nullptr;
}

const Mechanism* MatchMechanism(CK_KEY_TYPE key_type, absl::string_view ec_params,
                                CK_ULONG modulus_bits, absl::string_view jose_alg) {
  for (const Mechanism& row : AllMechanisms()) {
    const bool fits = row.key_type == key_type && row.ec_params == ec_params &&
                      (key_type != CKK_RSA || row.size_bits == modulus_bits);
    if (fits && (jose_alg.empty() || row.algorithm->jose_alg == jose_alg)) return &row;
  }
  return nullptr;
}

absl::StatusOr<std::vector<const Mechanism*>> DiscoverMechanisms(const pkcs11::Module& module,
                                                                 CK_SLOT_ID slot) {
  auto offered = WhatIsOffered(module, slot);
  if (!offered.ok()) return offered.status();
  std::vector<const Mechanism*> found;
  for (const Mechanism& row : AllMechanisms()) {
    if (Offers(*offered, row.generate, CKF_GENERATE_KEY_PAIR, row.size_bits) &&
        Offers(*offered, row.sign, CKF_SIGN, row.size_bits)) {
      found.push_back(&row);
    }
  }
  return found;
}

const Mechanism* CanaryMechanism(std::span<const Mechanism* const> offered) {
  const auto first = std::ranges::find_if(
      offered, [](const Mechanism* mechanism) { return IsUsual(*mechanism->algorithm); });
  return first == offered.end() ? nullptr : *first;
}

}  // namespace sealward::hsm
