// Authorization: one pure function over (principal, resource, verb). Deny by
// default; the table of roles and verbs in ARCHITECTURE.md is checked against
// this one by tests/unit.
#ifndef SEALWARD_SERVER_AUTH_DECISION_H_
#define SEALWARD_SERVER_AUTH_DECISION_H_

#include <span>

#include "absl/strings/string_view.h"
#include "sealward/v1/role_binding_service.pb.h"
#include "server/catalog/snapshot.h"

namespace sealward::auth {

// Verb is what a caller wants to do. One for each row of the table.
enum class Verb {
  kCreateTenant,
  kReadTenant,
  kListTenants,
  kCreateIssuer,
  kReadIssuer,
  kCreateKey,
  kReadKey,
  kRotateKey,
  kSign,
  kReadSigningKey,
  kManageBindings,
  kReadStatus,
  kReadMetrics,
};

std::span<const Verb> AllVerbs();

// "keys.sign" and so on: for decision records and the table.
absl::string_view VerbName(Verb verb);

// Decision is the outcome with its reason. The reason is for records on our
// side; a caller that is denied is told nothing of it.
struct Decision {
  bool allowed = false;
  absl::string_view reason;  // static, for example "role operator on the tenant"
};

// Whether `role` at service level (on_tenant false) or on the resource's tenant
// includes `verb`. Pure.
bool RoleAllows(v1::Role role, bool on_tenant, Verb verb);

// Whether `role` includes anything at all at that level: admin on a tenant and
// token-issuer on the service do not, so such a binding is refused when it is
// made. Pure.
bool RoleMeansSomething(v1::Role role, bool on_tenant);

// Whether `principal` may do `verb`. `tenant` is tenants/{tenant} of the
// resource, or empty for the service itself; it need not exist, and whether it
// does changes nothing here. Pure.
Decision Decide(const catalog::Snapshot& snapshot, absl::string_view principal,
                absl::string_view tenant, Verb verb);

}  // namespace sealward::auth

#endif  // SEALWARD_SERVER_AUTH_DECISION_H_
