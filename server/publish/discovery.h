// OpenID Connect discovery, as far as JWTs can be validated with it.
#ifndef SEALWARD_SERVER_PUBLISH_DISCOVERY_H_
#define SEALWARD_SERVER_PUBLISH_DISCOVERY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/catalog/snapshot.h"
#include "server/publish/document.h"

namespace sealward::publish {

// Where the issuer's JWKS is served: {public_url}/{issuer name}/jwks.json.
// `public_url` has no slash at its end.
std::string JwksUri(absl::string_view public_url, absl::string_view issuer_name);

// The members of OpenID Connect Discovery 1.0 section 3 that a validator needs,
// the same that a Kubernetes API server publishes for its service accounts:
// issuer, jwks_uri, response_types_supported, subject_types_supported and
// id_token_signing_alg_values_supported, which names the algorithms of the
// published keys and nothing else (so RS256 is there only if a key has it).
// Endpoints for logging in are another server's business. Pure.
// NOT_FOUND (NOTHING_PUBLISHED) while the JWKS would be empty.
absl::StatusOr<Document> BuildDiscovery(const catalog::Issuer& issuer, IssuerKeys keys,
                                        absl::string_view public_url, absl::Time now,
                                        const ForeignKeys& foreign = {});

}  // namespace sealward::publish

#endif  // SEALWARD_SERVER_PUBLISH_DISCOVERY_H_
