// The first admin: what `sealward-server init --admin` writes into a new store.
#ifndef SEALWARD_SERVER_AUTH_BOOTSTRAP_H_
#define SEALWARD_SERVER_AUTH_BOOTSTRAP_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/catalog/snapshot.h"

namespace sealward::auth {

inline constexpr absl::string_view kFirstAdminBinding = "roleBindings/first-admin";

// The service-level admin binding of `principal`. INVALID_ARGUMENT
// (PRINCIPAL_INVALID).
absl::StatusOr<catalog::RoleBinding> FirstAdmin(absl::string_view principal, absl::Time now);

}  // namespace sealward::auth

#endif  // SEALWARD_SERVER_AUTH_BOOTSTRAP_H_
