// Who is calling, as the server has established it for one RPC.
#ifndef SEALWARD_SERVER_AUTH_IDENTITY_H_
#define SEALWARD_SERVER_AUTH_IDENTITY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/security/auth_context.h"

namespace sealward::auth {

// Identity is a caller whom the server believes. Immutable once shared.
struct Identity {
  // spiffe://…, subject:… or uid:… (principal.h); what role bindings name.
  std::string principal;
  // SHA-256 of the client certificate's DER, 64 digits of [0-9a-f]; empty for a
  // caller of the UNIX socket, who has none.
  std::string fingerprint;
  // Of a SPIFFE ID; empty otherwise.
  std::string trust_domain;
  // When the certificate, or a CA above it, expires.
  absl::Time valid_until = absl::InfiniteFuture();
};

// IdentitySource tells who makes a call. Thread-safe; asked once for every call,
// so it must be fast and never block for long.
class IdentitySource {
 public:
  virtual ~IdentitySource() = default;

  // The caller, never null. UNAUTHENTICATED (PRINCIPAL_INVALID,
  // CERTIFICATE_UNTRUSTED, CERTIFICATE_DENIED) for whoever is not let in.
  virtual absl::StatusOr<std::shared_ptr<const Identity>> Read(
      const grpc::AuthContext& context) = 0;
};

}  // namespace sealward::auth

#endif  // SEALWARD_SERVER_AUTH_IDENTITY_H_
