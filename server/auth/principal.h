// Who is calling: the principal of a client certificate.
#ifndef SEALWARD_SERVER_AUTH_PRINCIPAL_H_
#define SEALWARD_SERVER_AUTH_PRINCIPAL_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/security/auth_context.h"
#include "server/auth/identity.h"

namespace sealward::auth {

inline constexpr size_t kMaxPrincipalBytes = 512;
// What stands before the distinguished name of a certificate without SPIFFE ID.
inline constexpr absl::string_view kSubjectPrefix = "subject:";
// Certificates whose principal is remembered.
inline constexpr size_t kMaxCachedCertificates = 1024;

// Whether `principal` has a form that a certificate can yield: a SPIFFE ID with
// a path (SPIFFE-ID 2.1 to 2.3), or "subject:" and a distinguished name in
// printable ASCII. INVALID_ARGUMENT (PRINCIPAL_INVALID) otherwise.
absl::Status ValidatePrincipal(absl::string_view principal);

// The principal of a certificate in PEM: its URI SAN if that is a SPIFFE ID,
// else "subject:" and the subject as `openssl x509 -noout -subject -nameopt
// RFC2253` prints it (RFC 4514, non-ASCII bytes as \XX). UNAUTHENTICATED
// (PRINCIPAL_INVALID) for several URI SANs, of whatever kind (SPIFFE
// X509-SVID 2), a malformed SPIFFE ID, an empty subject, or what is no
// certificate. The certificate's chain and dates are TLS's business.
absl::StatusOr<std::string> PrincipalOfCertificate(absl::string_view pem);

// PrincipalReader reads the principal of gRPC calls. It remembers certificates,
// because parsing one costs as much as a signature. Thread-safe.
class PrincipalReader final : public IdentitySource {
 public:
  // UNAUTHENTICATED (PRINCIPAL_INVALID) as PrincipalOfCertificate, and where
  // there is no client certificate.
  absl::StatusOr<std::shared_ptr<const Identity>> Read(const grpc::AuthContext& context) override;

 private:
  absl::StatusOr<std::shared_ptr<const Identity>> FromPem(absl::string_view pem);

  absl::Mutex mu_;
  // By the certificate's PEM bytes. Emptied when it is full: a service has few
  // clients, and hostile ones need a certificate of our CA for each entry.
  absl::flat_hash_map<std::string, std::shared_ptr<const Identity>> cache_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::auth

#endif  // SEALWARD_SERVER_AUTH_PRINCIPAL_H_
