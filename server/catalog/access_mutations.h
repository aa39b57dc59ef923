// Changes of access as store transactions; rules as mutations.h.
#ifndef SEALWARD_SERVER_CATALOG_ACCESS_MUTATIONS_H_
#define SEALWARD_SERVER_CATALOG_ACCESS_MUTATIONS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "server/catalog/snapshot.h"
#include "server/store/store.h"

namespace sealward::catalog {

// A new binding; `seen` is its tenant, null at service level. Keys are never
// deleted, so the key of a binding needs no condition.
store::Transaction CreateBinding(const Tenant* seen, const RoleBinding& binding);

// Takes a binding seen back. FAILED_PRECONDITION (LAST_ADMIN) where fewer service
// admins (principals, not bindings) would remain than the approval policy needs:
// one, or two while it asks for two persons. The transaction is conditional on
// those that remain, so that two admins cannot remove each other at once, and on
// the policy.
absl::StatusOr<store::Transaction> DeleteBinding(const Snapshot& snapshot, const RoleBinding& seen);

store::Transaction CreateTrustDomain(const TrustDomain& domain);
store::Transaction UpdateTrustDomain(const TrustDomain& seen, const TrustDomain& next);
store::Transaction DeleteTrustDomain(const TrustDomain& seen);

store::Transaction CreateDeniedCertificate(const DeniedCertificate& denied);
store::Transaction DeleteDeniedCertificate(const DeniedCertificate& seen);

// A new approval; deletes those of `expired` with it, which were seen.
store::Transaction CreateApproval(const Approval& approval,
                                  const std::vector<const Approval*>& expired);
store::Transaction UpdateApproval(const Approval& seen, const Approval& next);
store::Transaction DeleteApproval(const Approval& seen);

// Uses `approval` up in `transaction`: of two that rely on it one is ABORTED.
void ConsumeApproval(const Approval& approval, store::Transaction& transaction);

// Another policy. To ask for two persons there must be two service admins:
// FAILED_PRECONDITION (SECOND_ADMIN_MISSING) otherwise; the transaction is
// conditional on them.
absl::StatusOr<store::Transaction> UpdateApprovalPolicy(const Snapshot& snapshot,
                                                        const ApprovalPolicy& next);

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_ACCESS_MUTATIONS_H_
