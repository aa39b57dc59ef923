// TLS of the gRPC listeners: version 1.3, client certificates always.
#ifndef SEALWARD_SERVER_APP_CREDENTIALS_H_
#define SEALWARD_SERVER_APP_CREDENTIALS_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/security/server_credentials.h"

namespace sealward::app {

// How often gRPC looks at the staged files.
inline constexpr unsigned kStagedRefreshSeconds = 1;

// Whether a client with this certificate and chain in PEM may connect. Called at
// the end of a handshake, on gRPC's threads: must not block.
using PeerCheck = std::function<absl::Status(absl::string_view pem, absl::string_view chain_pem)>;

// Credentials from files that always hold a good state (StagedFile):
// `identity_path` a private key and its certificate chain, `roots_path` the CAs of
// all clients. A client passes the handshake only if `check` agrees, so that health
// and reflection, which ask nobody, are closed to the others too.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const std::string& identity_path,
                                                               const std::string& roots_path,
                                                               PeerCheck check);

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_CREDENTIALS_H_
