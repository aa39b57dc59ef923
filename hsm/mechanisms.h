// The one table of algorithms, as PKCS#11 sees them. common/algorithms.h has
// the same rows as JOSE sees them.
#ifndef SEALWARD_HSM_MECHANISMS_H_
#define SEALWARD_HSM_MECHANISMS_H_

#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/algorithms.h"
#include "hsm/pkcs11/cryptoki.h"
#include "hsm/pkcs11/module.h"

namespace sealward::hsm {

// What is handed to C_Sign. Modules differ in which hashing mechanisms they
// have (SoftHSM2 has none for EC), so sealward-hsm hashes by itself.
enum class SignInput {
  kDigest,      // its hash
  kDigestInfo,  // DER DigestInfo of that (RFC 8017 section 9.2)
  kMessage,     // the message itself
};

// Mechanism is one row: how an algorithm is generated and signed with.
struct Mechanism {
  const AlgorithmInfo* algorithm;
  CK_MECHANISM_TYPE generate;
  CK_MECHANISM_TYPE sign;
  CK_KEY_TYPE key_type;
  absl::string_view ec_params;  // DER of CKA_EC_PARAMS; empty for RSA
  CK_ULONG size_bits;           // as CK_MECHANISM_INFO counts it
  SignInput input;
  // Of CKM_RSA_PKCS_PSS (PKCS#11 v2.40 section 2.1.9); 0 for others.
  CK_MECHANISM_TYPE hash;
  CK_ULONG mgf;
};

// Every algorithm that common/algorithms.h lists, in its order.
std::span<const Mechanism> AllMechanisms();

// The row of `algorithm`, or nullptr.
const Mechanism* FindMechanism(::sealward::v1::Algorithm algorithm);

// The row for a key with these attributes, or nullptr if there is none:
// CKA_KEY_TYPE, CKA_EC_PARAMS (empty for RSA), bits of CKA_MODULUS (0 else), and the
// jose_alg in its label (object_label.h; empty for the usual one of its kind).
const Mechanism* MatchMechanism(CK_KEY_TYPE key_type, absl::string_view ec_params,
                                CK_ULONG modulus_bits, absl::string_view jose_alg = "");

// The rows that the slot's module can generate and sign with; an error if it does not say what
// it has.
absl::StatusOr<std::vector<const Mechanism*>> DiscoverMechanisms(const pkcs11::Module& module,
                                                                 CK_SLOT_ID slot);

// The first of `offered` that a canary can be for, or nullptr: its label names no
// algorithm, so it is one of those that IsUsual (common/algorithms.h).
const Mechanism* CanaryMechanism(std::span<const Mechanism* const> offered);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_MECHANISMS_H_
