#include "server/auth/decision.h"

#include <array>
#include <cstdint>

namespace sealward::auth {
namespace {

using Roles = uint8_t;  // a set of roles, one bit each

constexpr Roles Bit(v1::Role role) { return static_cast<Roles>(1U << static_cast<unsigned>(role)); }

constexpr Roles kNobody = 0;
constexpr Roles kAdmin = Bit(v1::ROLE_ADMIN);
constexpr Roles kOperator = Bit(v1::ROLE_OPERATOR);
constexpr Roles kIssuer = Bit(v1::ROLE_TOKEN_ISSUER);
constexpr Roles kViewer = Bit(v1::ROLE_VIEWER);

// Row says which roles include a verb: granted on the service (so on every
// tenant), and granted on the tenant in question.
struct Row {
  Verb verb;
  absl::string_view name;
  Roles on_service;
  Roles on_tenant;
};

// Signing is always a tenant's own grant; admin exists on the service only.
constexpr std::array kTable = {
    Row{Verb::kCreateTenant, "tenants.create", kAdmin, kNobody},
    Row{Verb::kReadTenant, "tenants.read", kAdmin | kOperator | kViewer, kOperator | kViewer},
    Row{Verb::kListTenants, "tenants.list", kAdmin | kOperator | kViewer, kNobody},
    Row{Verb::kCreateIssuer, "issuers.create", kAdmin, kNobody},
    Row{Verb::kReadIssuer, "issuers.read", kAdmin | kOperator | kViewer, kOperator | kViewer},
    Row{Verb::kCreateKey, "keys.create", kAdmin | kOperator, kOperator},
    Row{Verb::kReadKey, "keys.read", kAdmin | kOperator | kViewer, kOperator | kViewer},
    Row{Verb::kRotateKey, "keys.rotate", kAdmin | kOperator, kOperator},
    Row{Verb::kSign, "keys.sign", kNobody, kIssuer},
    Row{Verb::kReadSigningKey, "keys.readSigningKey", kAdmin | kOperator | kViewer,
        kOperator | kIssuer | kViewer},
    Row{Verb::kManageBindings, "roleBindings.manage", kAdmin, kNobody},
    Row{Verb::kReadStatus, "status.read", kAdmin | kOperator | kViewer, kNobody},
    Row{Verb::kReadMetrics, "metrics.read", kAdmin | kOperator | kViewer, kNobody},
};

constexpr auto kVerbs = [] {
  std::array<Verb, kTable.size()> verbs{};
  for (size_t i = 0; i < verbs.size(); ++i) verbs[i] = kTable[i].verb;
  return verbs;
}();

// A verb is its row's index.
constexpr bool RowsAreInOrder() {
  for (size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<size_t>(kTable[i].verb) != i) return false;
  }
  return true;
}
static_assert(RowsAreInOrder());

const Row& RowOf(Verb verb) { return kTable[static_cast<size_t>(verb)]; }

absl::string_view Reason(v1::Role role, bool on_tenant) {
  switch (role) {
    case v1::ROLE_ADMIN:
      return "role admin on the service";
    case v1::ROLE_OPERATOR:
      return on_tenant ? "role operator on the tenant" : "role operator on the service";
    case v1::ROLE_TOKEN_ISSUER:
      return "role token-issuer on the tenant";
    case v1::ROLE_VIEWER:
      return on_tenant ? "role viewer on the tenant" : "role viewer on the service";
    default:
      return "";
  }
}

}  // namespace

std::span<const Verb> AllVerbs() { return kVerbs; }

absl::string_view VerbName(Verb verb) { return RowOf(verb).name; }

bool RoleAllows(v1::Role role, bool on_tenant, Verb verb) {
  if (role <= v1::ROLE_UNSPECIFIED || role > v1::ROLE_VIEWER) return false;
  const Row& row = RowOf(verb);
  return ((on_tenant ? row.on_tenant : row.on_service) & Bit(role)) != 0;
}

bool RoleMeansSomething(v1::Role role, bool on_tenant) {
  for (const Verb verb : AllVerbs()) {
    if (RoleAllows(role, on_tenant, verb)) return true;
  }
  return false;
}

Decision Decide(const catalog::Snapshot& snapshot, absl::string_view principal,
                absl::string_view tenant, Verb verb) {
  const auto bindings = snapshot.bindings.find(principal);
  if (bindings == snapshot.bindings.end()) return {false, "no role binding of this principal"};
  for (const auto& binding : bindings->second) {
    const bool on_tenant = !binding->tenant.empty();
    if (on_tenant && binding->tenant != tenant) continue;
    if (RoleAllows(binding->role, on_tenant, verb)) {
      return {true, Reason(binding->role, on_tenant)};
    }
  }
  return {false, "no role of this principal includes the verb here"};
}

}  // namespace sealward::auth
