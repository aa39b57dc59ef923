// The error of one key too many for an issuer's validators.
#ifndef SEALWARD_SERVER_LIFECYCLE_JWKS_FULL_H_
#define SEALWARD_SERVER_LIFECYCLE_JWKS_FULL_H_

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/errors.h"
#include "server/catalog/snapshot.h"

namespace sealward::lifecycle {

// FAILED_PRECONDITION (JWKS_FULL): `what`, as "tenants/a/keys/b cannot get a successor".
inline absl::Status JwksFull(absl::string_view what, const catalog::Issuer& issuer) {
  if (issuer.name.empty()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "JWKS_FULL",
                     absl::StrCat(what, ": it has ", catalog::kMaxRawVersions,
                                  " versions whose signatures are still verified, the most that "
                                  "a RAW key may have. Wait until one is withdrawn (`sealward keys "
                                  "versions`)"));
  }
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "JWKS_FULL",
      absl::StrCat(what, ": the JWKS of ", issuer.name,
                   " holds the most keys that its validators take, ", catalog::MaxJwksKeys(issuer),
                   ". Wait until a version is withdrawn (`sealward keys versions`), delete a "
                   "foreign key, or raise max_jwks_keys (`sealward issuers update`)"));
}

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_JWKS_FULL_H_
