// Names of callers: the principal of a client certificate.
#ifndef SEALWARD_SERVER_AUTH_PRINCIPAL_H_
#define SEALWARD_SERVER_AUTH_PRINCIPAL_H_

#include <openssl/x509.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealward::auth {

inline constexpr size_t kMaxPrincipalBytes = 512;
// What stands before the distinguished name of a certificate without SPIFFE ID.
inline constexpr absl::string_view kSubjectPrefix = "subject:";
// What stands before the user id of a caller of the UNIX socket.
inline constexpr absl::string_view kUidPrefix = "uid:";

// Whether `principal` has a form that a caller can have: a SPIFFE ID with a path
// (SPIFFE-ID 2.1 to 2.3), "subject:" and a distinguished name in printable
// ASCII, or "uid:" and a decimal number. INVALID_ARGUMENT (PRINCIPAL_INVALID)
// otherwise.
absl::Status ValidatePrincipal(absl::string_view principal);

// The principal of a certificate: its URI SAN if that is a SPIFFE ID,
// else "subject:" and the subject as `openssl x509 -noout -subject -nameopt
// RFC2253` prints it (RFC 4514, non-ASCII bytes as \XX). UNAUTHENTICATED
// (PRINCIPAL_INVALID) for several URI SANs, of whatever kind (SPIFFE
// X509-SVID 2), a malformed SPIFFE ID, or an empty subject. Says nothing about
// who vouches for it: that is TrustAnchors' business.
absl::StatusOr<std::string> PrincipalOf(const X509* certificate);

// As PrincipalOf, of the first certificate in PEM.
absl::StatusOr<std::string> PrincipalOfCertificate(absl::string_view pem);

// The trust domain of a SPIFFE ID; empty for any other principal.
absl::string_view TrustDomainOf(absl::string_view principal);

// The principal of a user of this machine.
std::string UidPrincipal(uint32_t uid);

// UNAUTHENTICATED (PRINCIPAL_INVALID), saying what is wrong with the certificate.
absl::Status PrincipalUnreadable(absl::string_view what);

}  // namespace sealward::auth

#endif  // SEALWARD_SERVER_AUTH_PRINCIPAL_H_
