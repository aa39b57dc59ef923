// Checks of certificate and key files before they are given to gRPC, which
// would only say "handshake failed".
#ifndef SEALWARD_CLIENT_PEM_FILES_H_
#define SEALWARD_CLIENT_PEM_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace sealward::client {

// OK if `ca_file` holds certificates, and `certificate_file` and
// `private_key_file` a certificate that is valid at `now` and its key. Errors
// as Connection::Open.
absl::Status CheckPemFiles(const std::string& ca_file, const std::string& certificate_file,
                           const std::string& private_key_file, absl::Time now);

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_PEM_FILES_H_
