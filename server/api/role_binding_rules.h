// What a role binding may be.
#ifndef SEALWARD_SERVER_API_ROLE_BINDING_RULES_H_
#define SEALWARD_SERVER_API_ROLE_BINDING_RULES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/resource_name.h"
#include "server/auth/decision.h"

namespace sealward::api {

// BindingParent is what bindings are made on.
struct BindingParent {
  std::string name;    // empty for the service, tenants/{tenant} or tenants/{tenant}/keys/{key}
  std::string tenant;  // tenants/{tenant}, or empty
  std::string key;     // tenants/{tenant}/keys/{key}, or empty

  auth::Target target() const { return {tenant, key}; }
  auth::Level level() const;
};

BindingParent BindingParentOf(const RoleBindingName& name);

// INVALID_ARGUMENT (NAME_INVALID) for what is neither empty nor a tenant's or a
// key's name.
absl::StatusOr<BindingParent> ParseBindingParent(absl::string_view name);

// INVALID_ARGUMENT (ROLE_INVALID), listing those that do, for a role that
// includes nothing on `level`.
absl::Status CheckRole(v1::Role role, auth::Level level);

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_ROLE_BINDING_RULES_H_
