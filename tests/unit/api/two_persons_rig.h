// LifecycleRig where guarded changes need a second person.
#ifndef SEALWARD_TESTS_UNIT_API_TWO_PERSONS_RIG_H_
#define SEALWARD_TESTS_UNIT_API_TWO_PERSONS_RIG_H_

#include <string>

#include "server/api/approval_gate.h"
#include "tests/unit/api/lifecycle_rig.h"

namespace sealward::api {

inline constexpr char kOtherAdmin[] = "other-admin";
inline constexpr char kAuditor[] = "auditor";           // of the service
inline constexpr char kTenantAdmin[] = "a-admin";       // of tenants/a
inline constexpr char kOtherTenantAdmin[] = "b-admin";  // of tenants/b

// A fixture with two admins whose bindings are old enough.
class TwoPersonsRig : public LifecycleRig {
 protected:
  TwoPersonsRig() {
    const auto bind = [this](const char* who, const std::string& tenant, v1::Role role) {
      rig_.keys.AddBinding((tenant.empty() ? "" : tenant + "/") + "roleBindings/" + who, tenant,
                           PrincipalOf(who), role);
    };
    bind(kOtherAdmin, "", v1::ROLE_ADMIN);
    bind(kAuditor, "", v1::ROLE_AUDITOR);
    bind(kTenantAdmin, fakes::kTenant, v1::ROLE_TENANT_ADMIN);
    bind(kOtherTenantAdmin, "tenants/b", v1::ROLE_TENANT_ADMIN);
    rig_.keys.clock.Advance(kMinApproverAge + absl::Hours(1));
  }

  void AskForTwoPersons() {
    v1::UpdateApprovalPolicyRequest request;
    request.mutable_approval_policy()->set_two_persons(true);
    v1::ApprovalPolicy policy;
    EXPECT_TRUE(rig_.Call<v1::ApprovalService>(
                        kAdmin, &v1::ApprovalService::Stub::UpdateApprovalPolicy, request, &policy)
                    .ok());
  }
  // The only request that waits.
  v1::Approval Only() {
    v1::ListApprovalsResponse all;
    EXPECT_TRUE(rig_.Call<v1::ApprovalService>(kAdmin, &v1::ApprovalService::Stub::ListApprovals,
                                               v1::ListApprovalsRequest(), &all)
                    .ok());
    EXPECT_EQ(all.approvals_size(), 1);
    return all.approvals_size() == 1 ? all.approvals(0) : v1::Approval();
  }
  size_t Waiting() { return rig_.keys.catalog->Get()->approvals.size(); }
  grpc::Status Approve(const std::string& who) {
    const v1::Approval waiting = Only();
    v1::ApproveRequestRequest request;
    request.set_name(waiting.name());
    request.set_etag(waiting.etag());
    v1::Approval approved;
    return rig_.Call<v1::ApprovalService>(who, &v1::ApprovalService::Stub::ApproveRequest, request,
                                          &approved);
  }
};

}  // namespace sealward::api

#endif  // SEALWARD_TESTS_UNIT_API_TWO_PERSONS_RIG_H_
