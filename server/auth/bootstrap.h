// The first admins: what `sealward-server init --admin` writes into a new store.
#ifndef SEALWARD_SERVER_AUTH_BOOTSTRAP_H_
#define SEALWARD_SERVER_AUTH_BOOTSTRAP_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/catalog/snapshot.h"

namespace sealward::auth {

// One admin, or two who can approve each other's changes from the first day on.
inline constexpr size_t kMaxFirstAdmins = 2;

// The service-level admin bindings of `principals`: roleBindings/first-admin and
// roleBindings/second-admin. Marked as bootstrap, so that they count as old
// enough to approve. INVALID_ARGUMENT (PRINCIPAL_INVALID) for a principal that
// no caller can have, for one named twice, none, or more than kMaxFirstAdmins.
absl::StatusOr<std::vector<catalog::RoleBinding>> FirstAdmins(
    const std::vector<std::string>& principals, absl::Time now);

}  // namespace sealward::auth

#endif  // SEALWARD_SERVER_AUTH_BOOTSTRAP_H_
