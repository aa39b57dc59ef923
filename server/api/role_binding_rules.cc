#include "server/api/role_binding_rules.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "common/errors.h"

namespace sealward::api {
namespace {

absl::string_view LevelText(auth::Level level) {
  switch (level) {
    case auth::Level::kService:
      return "the service";
    case auth::Level::kTenant:
      return "a tenant";
    case auth::Level::kKey:
      return "a key";
  }
  return "";
}

// token-issuer for ROLE_TOKEN_ISSUER.
std::string RoleText(v1::Role role) {
  absl::string_view name = v1::Role_Name(role);
  absl::ConsumePrefix(&name, "ROLE_");
  return absl::StrReplaceAll(absl::AsciiStrToLower(name), {{"_", "-"}});
}

std::string RolesOn(auth::Level level) {
  std::vector<std::string> roles;
  for (int number = v1::Role_MIN; number <= v1::Role_MAX; ++number) {
    const auto role = static_cast<v1::Role>(number);
    if (auth::RoleMeansSomething(role, level)) roles.push_back(RoleText(role));
  }
  return absl::StrJoin(roles, ", ");
}

}  // namespace

auth::Level BindingParent::level() const {
  if (!key.empty()) return auth::Level::kKey;
  return tenant.empty() ? auth::Level::kService : auth::Level::kTenant;
}

BindingParent BindingParentOf(const RoleBindingName& name) {
  return {name.Parent(), name.Tenant(), name.key.empty() ? "" : name.Parent()};
}

absl::StatusOr<BindingParent> ParseBindingParent(absl::string_view name) {
  // A parent is a binding's name without its last two parts.
  const auto binding =
      RoleBindingName::Parse(absl::StrCat(name, name.empty() ? "" : "/", "roleBindings/any"));
  if (binding.ok()) return BindingParentOf(*binding);
  return MakeError(absl::StatusCode::kInvalidArgument, "NAME_INVALID",
                   "parent must be empty for the service, tenants/{tenant} or "
                   "tenants/{tenant}/keys/{key}");
}

absl::Status CheckRole(v1::Role role, auth::Level level) {
  if (auth::RoleMeansSomething(role, level)) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kInvalidArgument, "ROLE_INVALID",
      absl::StrCat("role_binding.role on ", LevelText(level), " must be one of: ", RolesOn(level)));
}

}  // namespace sealward::api
