#include "server/auth/bootstrap.h"

#include <array>

#include "absl/strings/string_view.h"
#include "common/errors.h"
#include "server/auth/principal.h"

namespace sealward::auth {
namespace {

constexpr std::array<absl::string_view, kMaxFirstAdmins> kNames = {"roleBindings/first-admin",
                                                                   "roleBindings/second-admin"};

absl::Status CheckNumber(const std::vector<std::string>& principals) {
  const bool twice = principals.size() == 2 && principals[0] == principals[1];
  if (!principals.empty() && principals.size() <= kMaxFirstAdmins && !twice) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "PRINCIPAL_INVALID",
                   "--admin: name one first admin or two different ones; every further one is "
                   "bound with `sealward bindings create`");
}

}  // namespace

absl::StatusOr<std::vector<catalog::RoleBinding>> FirstAdmins(
    const std::vector<std::string>& principals, absl::Time now) {
  if (absl::Status status = CheckNumber(principals); !status.ok()) return status;
  std::vector<catalog::RoleBinding> bindings;
  for (const std::string& principal : principals) {
    if (absl::Status status = ValidatePrincipal(principal); !status.ok()) return status;
    catalog::RoleBinding binding;
    binding.name = std::string(kNames[bindings.size()]);
    binding.principal = principal;
    binding.role = v1::ROLE_ADMIN;
    binding.create_time = now;
    binding.bootstrap = true;
    bindings.push_back(std::move(binding));
  }
  return bindings;
}

}  // namespace sealward::auth
