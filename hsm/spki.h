// DER SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) from what a public key
// object says. SoftHSM2 leaves CKA_PUBLIC_KEY_INFO empty, so it is put together
// here.
#ifndef SEALWARD_HSM_SPKI_H_
#define SEALWARD_HSM_SPKI_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hsm/mechanisms.h"

namespace sealward::hsm {

// From CKA_MODULUS and CKA_PUBLIC_EXPONENT, big endian (RFC 8017 appendix A.1.1).
// INVALID_ARGUMENT if either is empty.
absl::StatusOr<std::string> RsaSpki(absl::string_view modulus, absl::string_view exponent);

// From CKA_EC_POINT: a DER OCTET STRING, as PKCS#11 says, or the raw point, as
// some modules have it (RFC 5480 for P-256, RFC 8410 for Ed25519).
// INVALID_ARGUMENT if it is no point of the curve's size.
absl::StatusOr<std::string> EcSpki(const Mechanism& mechanism, absl::string_view ec_point);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_SPKI_H_
