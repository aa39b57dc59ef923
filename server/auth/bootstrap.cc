#include "server/auth/bootstrap.h"

#include <string>

#include "server/auth/principal.h"

namespace sealward::auth {

absl::StatusOr<catalog::RoleBinding> FirstAdmin(absl::string_view principal, absl::Time now) {
  if (absl::Status status = ValidatePrincipal(principal); !status.ok()) return status;
  catalog::RoleBinding binding;
  binding.name = std::string(kFirstAdminBinding);
  binding.principal = std::string(principal);
  binding.role = v1::ROLE_ADMIN;
  binding.create_time = now;
  binding.bootstrap = true;
  return binding;
}

}  // namespace sealward::auth
