// The one answer to everybody who may not.
#ifndef SEALWARD_SERVER_API_DENIAL_H_
#define SEALWARD_SERVER_API_DENIAL_H_

#include "absl/status/status.h"
#include "common/errors.h"

namespace sealward::api {

// The same bytes whether the resource belongs to somebody else or does not
// exist, whatever the method: a stranger learns nothing about who owns what.
// Why it was denied is in the decision record on our side.
inline absl::Status Denied() {
  return MakeError(absl::StatusCode::kPermissionDenied, "PERMISSION_DENIED",
                   "permission denied: no role of this client certificate includes the request; "
                   "an admin can grant one with `sealward bindings create`");
}

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_DENIAL_H_
