// The JWKS of an issuer (RFC 7517 section 5).
#ifndef SEALWARD_SERVER_PUBLISH_JWKS_H_
#define SEALWARD_SERVER_PUBLISH_JWKS_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/catalog/snapshot.h"
#include "server/publish/document.h"

namespace sealward::publish {

// The member by which a shared issuer says whose key it is: an array of the
// audiences that the key may be used for. A validator that knows it refuses a
// JWT of service A that was signed with the key of service B; others ignore it
// (RFC 7517 section 4).
inline constexpr absl::string_view kAudienceMember = "sealward_aud";

// {"keys": [...]} with kty, the public members, kid, alg and use of every
// published version, and then of every foreign key; those say no audiences. Pure:
// the same arguments give the same bytes. NOT_FOUND (NOTHING_PUBLISHED) where the set
// would be empty.
absl::StatusOr<Document> BuildJwks(const catalog::Issuer& issuer, IssuerKeys keys, absl::Time now,
                                   const ForeignKeys& foreign = {});

}  // namespace sealward::publish

#endif  // SEALWARD_SERVER_PUBLISH_JWKS_H_
