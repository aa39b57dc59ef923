// What a revocation means, for whoever is woken by it.
#ifndef SEALWARD_CLIENT_CLI_REVOCATION_TEXT_H_
#define SEALWARD_CLIENT_CLI_REVOCATION_TEXT_H_

#include <string>

#include "sealward/v1/lifecycle_service.pb.h"

namespace sealward::client::cli {

// What signs now, until when each kind of validator may still trust what was revoked,
// and which honest JWTs die. `preview`: nothing has happened yet.
std::string RevocationText(const v1::RevokeResponse& response, bool preview);

}  // namespace sealward::client::cli

#endif  // SEALWARD_CLIENT_CLI_REVOCATION_TEXT_H_
