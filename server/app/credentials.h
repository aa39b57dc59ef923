// TLS of the gRPC listeners: version 1.3, client certificates always.
#ifndef SEALWARD_SERVER_APP_CREDENTIALS_H_
#define SEALWARD_SERVER_APP_CREDENTIALS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "grpcpp/security/server_credentials.h"
#include "server/app/config.h"

namespace sealward::app {

// How often the certificate files are looked at for a change.
inline constexpr unsigned kCertificateRefreshSeconds = 10;

// Makes gRPC's TLS 1.2 unable to agree on a cipher, so that only 1.3 is left:
// gRPC 1.51 has no setting for the lowest version. REQUIRES: called before
// anything of gRPC, with no other thread running.
void RequireTls13();

// Credentials that verify client certificates against client_ca. INVALID_ARGUMENT
// names the file that is missing, unreadable or does not fit.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const Config::Grpc& config);

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_CREDENTIALS_H_
