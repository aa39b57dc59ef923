#include "server/catalog/access_mutations.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/catalog/access_records.h"
#include "server/catalog/layout.h"
#include "server/catalog/transaction_writer.h"

namespace sealward::catalog {
namespace {

using Writer = TransactionWriter;

bool IsServiceAdmin(const RoleBinding& binding) {
  return binding.tenant.empty() && binding.role == v1::ROLE_ADMIN;
}

size_t AdminsNeeded(const ApprovalPolicy& policy) { return policy.two_persons ? 2 : 1; }

// Admin bindings of up to `wanted` different principals, `but` not counted.
std::vector<const RoleBinding*> ServiceAdmins(const Snapshot& snapshot, size_t wanted,
                                              absl::string_view but) {
  std::vector<const RoleBinding*> admins;
  for (const auto& [principal, bindings] : snapshot.bindings) {
    for (const auto& binding : bindings) {
      if (admins.size() == wanted) return admins;
      if (!IsServiceAdmin(*binding) || binding->name == but) continue;
      admins.push_back(binding.get());
      break;
    }
  }
  return admins;
}

void ExpectAll(const std::vector<const RoleBinding*>& bindings, Writer& writer) {
  for (const RoleBinding* binding : bindings) {
    writer.Expect(BindingRecordKey(binding->name), binding->mod_revision);
  }
}

// Replaces a record that was seen.
store::Transaction Replace(const std::string& store_key, int64_t seen_revision, std::string value) {
  return Writer().Expect(store_key, seen_revision).Put(store_key, std::move(value)).Done();
}

store::Transaction Remove(const std::string& store_key, int64_t seen_revision) {
  return Writer().Expect(store_key, seen_revision).Delete(store_key).Done();
}

}  // namespace

store::Transaction CreateBinding(const Tenant* seen, const RoleBinding& binding) {
  Writer writer;
  if (seen != nullptr) writer.Expect(TenantRecordKey(seen->name), seen->mod_revision);
  return writer.Create(BindingRecordKey(binding.name), SerializeBinding(binding)).Done();
}

absl::StatusOr<store::Transaction> DeleteBinding(const Snapshot& snapshot,
                                                 const RoleBinding& seen) {
  Writer writer;
  if (IsServiceAdmin(seen)) {
    const size_t needed = AdminsNeeded(snapshot.approval_policy);
    const auto others = ServiceAdmins(snapshot, needed, seen.name);
    if (others.size() < needed) {
      return MakeError(
          absl::StatusCode::kFailedPrecondition, "LAST_ADMIN",
          absl::StrCat(seen.name, needed == 1 ? " is the last service admin: bind another first"
                                              : " is one of the last two service admins, and the "
                                                "approval policy needs two: bind another first"));
    }
    ExpectAll(others, writer);
    writer.Expect(ApprovalPolicyRecordKey(), snapshot.approval_policy.mod_revision);
  }
  const std::string store_key = BindingRecordKey(seen.name);
  return writer.Expect(store_key, seen.mod_revision).Delete(store_key).Done();
}

store::Transaction CreateTrustDomain(const TrustDomain& domain) {
  return Writer().Create(TrustDomainRecordKey(domain.name), SerializeTrustDomain(domain)).Done();
}

store::Transaction UpdateTrustDomain(const TrustDomain& seen, const TrustDomain& next) {
  return Replace(TrustDomainRecordKey(seen.name), seen.mod_revision, SerializeTrustDomain(next));
}

store::Transaction DeleteTrustDomain(const TrustDomain& seen) {
  return Remove(TrustDomainRecordKey(seen.name), seen.mod_revision);
}

store::Transaction CreateDeniedCertificate(const DeniedCertificate& denied) {
  return Writer()
      .Create(DeniedCertificateRecordKey(denied.name), SerializeDeniedCertificate(denied))
      .Done();
}

store::Transaction DeleteDeniedCertificate(const DeniedCertificate& seen) {
  return Remove(DeniedCertificateRecordKey(seen.name), seen.mod_revision);
}

store::Transaction CreateApproval(const Approval& approval,
                                  const std::vector<const Approval*>& expired) {
  Writer writer;
  writer.Create(ApprovalRecordKey(approval.name), SerializeApproval(approval));
  for (const Approval* old : expired) {
    const std::string store_key = ApprovalRecordKey(old->name);
    writer.Expect(store_key, old->mod_revision).Delete(store_key);
  }
  return writer.Done();
}

store::Transaction UpdateApproval(const Approval& seen, const Approval& next) {
  return Replace(ApprovalRecordKey(seen.name), seen.mod_revision, SerializeApproval(next));
}

store::Transaction DeleteApproval(const Approval& seen) {
  return Remove(ApprovalRecordKey(seen.name), seen.mod_revision);
}

void ConsumeApproval(const Approval& approval, store::Transaction& transaction) {
  const std::string store_key = ApprovalRecordKey(approval.name);
  transaction.compares.push_back({store_key, approval.mod_revision});
  transaction.operations.push_back({store_key, std::nullopt});
}

absl::StatusOr<store::Transaction> UpdateApprovalPolicy(const Snapshot& snapshot,
                                                        const ApprovalPolicy& next) {
  Writer writer;
  if (next.two_persons) {
    const size_t needed = AdminsNeeded(next);
    const auto admins = ServiceAdmins(snapshot, needed, "");
    if (admins.size() < needed) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "SECOND_ADMIN_MISSING",
                       "approvalPolicy: two persons need two service admins, or nothing could be "
                       "approved any more: bind a second admin first");
    }
    ExpectAll(admins, writer);
  }
  const std::string store_key = ApprovalPolicyRecordKey();
  return writer.Expect(store_key, snapshot.approval_policy.mod_revision)
      .Put(store_key, SerializeApprovalPolicy(next))
      .Done();
}

}  // namespace sealward::catalog
