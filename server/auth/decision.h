// Authorization: one pure function over (principal, resource, verb). Deny by
// default; the table of roles and verbs in ARCHITECTURE.md is checked against
// this one by tests/unit.
#ifndef SEALWARD_SERVER_AUTH_DECISION_H_
#define SEALWARD_SERVER_AUTH_DECISION_H_

#include <optional>
#include <span>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sealward/v1/role_binding_service.pb.h"
#include "server/catalog/snapshot.h"

namespace sealward::auth {

// Verb is what a caller wants to do. One for each row of the table.
enum class Verb {
  kCreateTenant,
  kReadTenant,
  kListTenants,
  kUpdateTenant,
  kCreateIssuer,
  kReadIssuer,
  kUpdateIssuer,
  kManageForeignKeys,
  kCreateKey,
  kReadKey,
  kUpdateKey,
  kRotateKey,
  kSetRotationPolicy,
  kPauseKey,
  kSuspendVersion,
  kRevokeVersion,
  kDestroyVersion,
  kCancelDestroyVersion,
  kSign,
  kReadSigningKey,
  kManageBindings,
  kReadBindings,
  kManageTrustDomains,
  kReadTrustDomains,
  kDenyCertificate,
  kReadmitCertificate,
  kReadDeniedCertificates,
  kManageApprovalPolicy,
  kReadApprovalPolicy,
  kReadApprovals,
  kReadStatus,
  kReadMetrics,
  kRevokePartition,
  kReadQuarantine,
  kManageQuarantine,
  kRecoverPartition,
  kConfirmClock,
};

// Level is what a binding is made on.
enum class Level { kService, kTenant, kKey };

// Target is what a verb is to be done to. It need not exist, and whether it does
// changes no decision.
struct Target {
  absl::string_view tenant = {};  // tenants/{tenant}, or empty for the service itself
  absl::string_view key = {};     // tenants/{tenant}/keys/{key}, or empty
};

std::span<const Verb> AllVerbs();

// "keys.sign" and so on: for decision records and the table.
absl::string_view VerbName(Verb verb);

// The verb of that name, or nullopt.
std::optional<Verb> FindVerb(absl::string_view name);

// Decision is the outcome with its reason. The reason is for records on our
// side; a caller that is denied is told nothing of it.
struct Decision {
  bool allowed = false;
  absl::string_view reason;  // static, for example "role operator on the tenant"
};

// Whether a binding of `role` on `level` includes `verb`. Pure.
bool RoleAllows(v1::Role role, Level level, Verb verb);

// Whether `role` includes anything at all on that level: admin on a tenant and
// token-issuer on the service do not, so such a binding is refused when it is
// made. Pure.
bool RoleMeansSomething(v1::Role role, Level level);

// Whether `principal` may do `verb` to `target`. Bindings made at or after
// `granted_before` do not count, except those of `sealward-server init`. Pure.
Decision Decide(const catalog::Snapshot& snapshot, absl::string_view principal,
                const Target& target, Verb verb,
                absl::Time granted_before = absl::InfiniteFuture());

}  // namespace sealward::auth

#endif  // SEALWARD_SERVER_AUTH_DECISION_H_
