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
constexpr Roles kValidator = Bit(v1::ROLE_VALIDATOR);
constexpr Roles kAuditor = Bit(v1::ROLE_AUDITOR);
constexpr Roles kTenantAdmin = Bit(v1::ROLE_TENANT_ADMIN);

// Those who may see what a verb is about.
constexpr Roles kReaders = kOperator | kViewer | kAuditor;

// Row says which roles include a verb: granted on the service (so on every
// tenant), on the tenant in question (so on all its keys), on the key in question.
struct Row {
  Verb verb;
  absl::string_view name;
  Roles on_service;
  Roles on_tenant;
  Roles on_key;
};

// Signing is always a tenant's own grant; admin exists on the service only and
// tenant-admin on tenants only.
constexpr std::array kTable = {
    Row{Verb::kCreateTenant, "tenants.create", kAdmin, kNobody, kNobody},
    Row{Verb::kReadTenant, "tenants.read", kAdmin | kReaders, kTenantAdmin | kReaders, kNobody},
    Row{Verb::kListTenants, "tenants.list", kAdmin | kReaders, kNobody, kNobody},
    Row{Verb::kUpdateTenant, "tenants.update", kAdmin, kNobody, kNobody},
    Row{Verb::kCreateIssuer, "issuers.create", kAdmin, kNobody, kNobody},
    Row{Verb::kReadIssuer, "issuers.read", kAdmin | kReaders | kValidator,
        kTenantAdmin | kReaders | kValidator, kNobody},
    Row{Verb::kUpdateIssuer, "issuers.update", kAdmin, kNobody, kNobody},
    Row{Verb::kManageForeignKeys, "foreignKeys.manage", kAdmin, kTenantAdmin, kNobody},
    Row{Verb::kCreateKey, "keys.create", kAdmin | kOperator, kTenantAdmin | kOperator, kNobody},
    Row{Verb::kReadKey, "keys.read", kAdmin | kReaders, kTenantAdmin | kReaders, kReaders},
    Row{Verb::kUpdateKey, "keys.update", kAdmin, kTenantAdmin, kNobody},
    Row{Verb::kRotateKey, "keys.rotate", kAdmin | kOperator, kTenantAdmin | kOperator, kOperator},
    Row{Verb::kSetRotationPolicy, "keys.setRotationPolicy", kAdmin | kOperator,
        kTenantAdmin | kOperator, kOperator},
    Row{Verb::kPauseKey, "keys.pause", kAdmin | kOperator, kTenantAdmin | kOperator, kOperator},
    Row{Verb::kSuspendVersion, "keyVersions.suspend", kAdmin | kOperator, kTenantAdmin | kOperator,
        kOperator},
    Row{Verb::kRevokeVersion, "keyVersions.revoke", kAdmin | kOperator, kTenantAdmin | kOperator,
        kOperator},
    Row{Verb::kDestroyVersion, "keyVersions.destroy", kAdmin, kTenantAdmin, kNobody},
    Row{Verb::kCancelDestroyVersion, "keyVersions.cancelDestroy", kAdmin | kOperator,
        kTenantAdmin | kOperator, kOperator},
    Row{Verb::kSign, "keys.sign", kNobody, kIssuer, kIssuer},
    Row{Verb::kReadSigningKey, "keys.readSigningKey", kAdmin | kReaders,
        kTenantAdmin | kReaders | kIssuer, kReaders | kIssuer},
    Row{Verb::kManageBindings, "roleBindings.manage", kAdmin, kTenantAdmin, kNobody},
    Row{Verb::kReadBindings, "roleBindings.read", kAdmin | kAuditor, kTenantAdmin | kAuditor,
        kAuditor},
    Row{Verb::kManageTrustDomains, "trustDomains.manage", kAdmin, kNobody, kNobody},
    Row{Verb::kReadTrustDomains, "trustDomains.read", kAdmin | kAuditor, kNobody, kNobody},
    Row{Verb::kDenyCertificate, "deniedCertificates.create", kAdmin | kOperator, kNobody, kNobody},
    Row{Verb::kReadmitCertificate, "deniedCertificates.delete", kAdmin, kNobody, kNobody},
    Row{Verb::kReadDeniedCertificates, "deniedCertificates.read", kAdmin | kOperator | kAuditor,
        kNobody, kNobody},
    Row{Verb::kManageApprovalPolicy, "approvalPolicy.manage", kAdmin, kNobody, kNobody},
    Row{Verb::kReadApprovalPolicy, "approvalPolicy.read", kAdmin | kAuditor, kNobody, kNobody},
    Row{Verb::kReadApprovals, "approvals.read", kAdmin | kAuditor, kTenantAdmin | kAuditor,
        kAuditor},
    Row{Verb::kReadStatus, "status.read", kAdmin | kReaders, kNobody, kNobody},
    Row{Verb::kReadMetrics, "metrics.read", kAdmin | kReaders, kNobody, kNobody},
    Row{Verb::kRevokePartition, "partitions.revoke", kAdmin | kOperator, kNobody, kNobody},
    Row{Verb::kReadQuarantine, "quarantine.read", kAdmin | kAuditor, kNobody, kNobody},
    Row{Verb::kManageQuarantine, "quarantine.manage", kAdmin, kNobody, kNobody},
    Row{Verb::kRecoverPartition, "partitions.recover", kAdmin, kNobody, kNobody},
    Row{Verb::kConfirmClock, "clock.confirm", kAdmin, kNobody, kNobody},
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

Roles RolesOn(const Row& row, Level level) {
  switch (level) {
    case Level::kService:
      return row.on_service;
    case Level::kTenant:
      return row.on_tenant;
    case Level::kKey:
      return row.on_key;
  }
  return kNobody;
}

// Reasons, by role and level; empty where the role means nothing.
struct Reasons {
  v1::Role role;
  std::array<absl::string_view, 3> on;
};
constexpr std::array kReasons = {
    Reasons{v1::ROLE_ADMIN, {"role admin on the service", "", ""}},
    Reasons{v1::ROLE_OPERATOR,
            {"role operator on the service", "role operator on the tenant",
             "role operator on the key"}},
    Reasons{v1::ROLE_TOKEN_ISSUER,
            {"", "role token-issuer on the tenant", "role token-issuer on the key"}},
    Reasons{v1::ROLE_VIEWER,
            {"role viewer on the service", "role viewer on the tenant", "role viewer on the key"}},
    Reasons{v1::ROLE_VALIDATOR,
            {"role validator on the service", "role validator on the tenant", ""}},
    Reasons{
        v1::ROLE_AUDITOR,
        {"role auditor on the service", "role auditor on the tenant", "role auditor on the key"}},
    Reasons{v1::ROLE_TENANT_ADMIN, {"", "role tenant-admin on the tenant", ""}},
};

absl::string_view Reason(v1::Role role, Level level) {
  for (const Reasons& reasons : kReasons) {
    if (reasons.role == role) return reasons.on[static_cast<size_t>(level)];
  }
  return "";
}

Level LevelOf(const catalog::RoleBinding& binding) {
  if (!binding.key.empty()) return Level::kKey;
  return binding.tenant.empty() ? Level::kService : Level::kTenant;
}

bool Covers(const catalog::RoleBinding& binding, Level level, const Target& target) {
  switch (level) {
    case Level::kService:
      return true;
    case Level::kTenant:
      return binding.tenant == target.tenant;
    case Level::kKey:
      return binding.key == target.key;
  }
  return false;
}

}  // namespace

std::span<const Verb> AllVerbs() { return kVerbs; }

absl::string_view VerbName(Verb verb) { return RowOf(verb).name; }

std::optional<Verb> FindVerb(absl::string_view name) {
  for (const Row& row : kTable) {
    if (row.name == name) return row.verb;
  }
  return std::nullopt;
}

bool RoleAllows(v1::Role role, Level level, Verb verb) {
  if (role <= v1::ROLE_UNSPECIFIED || role > v1::Role_MAX) return false;
  return (RolesOn(RowOf(verb), level) & Bit(role)) != 0;
}

bool RoleMeansSomething(v1::Role role, Level level) {
  for (const Verb verb : AllVerbs()) {
    if (RoleAllows(role, level, verb)) return true;
  }
  return false;
}

Decision Decide(const catalog::Snapshot& snapshot, absl::string_view principal,
                const Target& target, Verb verb, absl::Time granted_before) {
  const auto bindings = snapshot.bindings.find(principal);
  if (bindings == snapshot.bindings.end()) return {false, "no role binding of this principal"};
  bool too_new = false;
  for (const auto& binding : bindings->second) {
    const Level level = LevelOf(*binding);
    if (!Covers(*binding, level, target) || !RoleAllows(binding->role, level, verb)) continue;
    if (binding->create_time < granted_before || binding->bootstrap) {
      return {true, Reason(binding->role, level)};
    }
    too_new = true;
  }
  return {false, too_new ? "the role binding that includes the verb is too new"
                         : "no role of this principal includes the verb here"};
}

}  // namespace sealward::auth
