// Two persons over gRPC. Without these tests one stolen admin certificate could
// grant itself anything: by approving its own request, by making its own second
// person, by changing a request after it was approved, or by using an approval
// twice.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "server/api/approval_gate.h"
#include "tests/unit/api/api_rig.h"

namespace sealward::api {
namespace {

using Approvals = v1::ApprovalService;
using Bindings = v1::RoleBindingService;

constexpr char kOtherAdmin[] = "other-admin";
constexpr char kNewPrincipal[] = "spiffe://test/new";

class ApprovalTest : public testing::Test {
 protected:
  ApprovalTest() {
    rig_.keys.AddBinding(std::string("roleBindings/") + kOtherAdmin, "", PrincipalOf(kOtherAdmin),
                         v1::ROLE_ADMIN);
    // Everybody's binding is old enough, and two persons are asked for.
    rig_.keys.clock.Advance(kMinApproverAge + absl::Hours(1));
    EXPECT_TRUE(SetPolicy(kAdmin, true).ok());
  }

  grpc::Status SetPolicy(const std::string& who, bool two_persons, const std::string& etag = "") {
    v1::UpdateApprovalPolicyRequest request;
    request.mutable_approval_policy()->set_two_persons(two_persons);
    request.mutable_approval_policy()->set_etag(etag);
    v1::ApprovalPolicy policy;
    return rig_.Call<Approvals>(who, &Approvals::Stub::UpdateApprovalPolicy, request, &policy);
  }
  grpc::Status Bind(const std::string& who, const std::string& id, v1::Role role = v1::ROLE_VIEWER,
                    const std::string& parent = "", const std::string& principal = kNewPrincipal) {
    v1::CreateRoleBindingRequest request;
    request.set_parent(parent);
    request.set_role_binding_id(id);
    request.mutable_role_binding()->set_principal(principal);
    request.mutable_role_binding()->set_role(role);
    v1::RoleBinding binding;
    return rig_.Call<Bindings>(who, &Bindings::Stub::CreateRoleBinding, request, &binding);
  }
  grpc::Status Unbind(const std::string& who, const std::string& name) {
    v1::DeleteRoleBindingRequest request;
    request.set_name(name);
    v1::DeleteRoleBindingResponse response;
    return rig_.Call<Bindings>(who, &Bindings::Stub::DeleteRoleBinding, request, &response);
  }
  v1::ListApprovalsResponse List(const std::string& who) {
    v1::ListApprovalsResponse response;
    EXPECT_TRUE(rig_.Call<Approvals>(who, &Approvals::Stub::ListApprovals,
                                     v1::ListApprovalsRequest(), &response)
                    .ok());
    return response;
  }
  // The only request that waits.
  v1::Approval Only() {
    const auto all = List(kAdmin);
    EXPECT_EQ(all.approvals_size(), 1);
    return all.approvals_size() == 1 ? all.approvals(0) : v1::Approval();
  }
  grpc::Status Approve(const std::string& who, const v1::Approval& approval) {
    v1::ApproveRequestRequest request;
    request.set_name(approval.name());
    request.set_etag(approval.etag());
    v1::Approval approved;
    return rig_.Call<Approvals>(who, &Approvals::Stub::ApproveRequest, request, &approved);
  }
  grpc::Status Reject(const std::string& who, const std::string& name) {
    v1::RejectRequestRequest request;
    request.set_name(name);
    v1::RejectRequestResponse response;
    return rig_.Call<Approvals>(who, &Approvals::Stub::RejectRequest, request, &response);
  }
  grpc::Status Get(const std::string& who, const std::string& name) {
    v1::GetApprovalRequest request;
    request.set_name(name);
    v1::Approval approval;
    return rig_.Call<Approvals>(who, &Approvals::Stub::GetApproval, request, &approval);
  }
  bool IsBound(const std::string& name) {
    return catalog::FindBinding(*rig_.keys.catalog->Get(), name) != nullptr;
  }

  ApiRig rig_;
};

TEST_F(ApprovalTest, AChangeWaitsForASecondPersonAndIsThenDoneOnce) {
  const grpc::Status first = Bind(kAdmin, "ops");
  EXPECT_EQ(first.error_code(), grpc::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(first), "APPROVAL_REQUIRED");
  EXPECT_FALSE(IsBound("roleBindings/ops"));
  const v1::Approval asked = Only();
  EXPECT_TRUE(absl::StrContains(first.error_message(), asked.name())) << first.error_message();
  EXPECT_EQ(asked.state(), v1::Approval::PENDING);
  EXPECT_EQ(asked.method(), "sealward.v1.RoleBindingService/CreateRoleBinding");
  EXPECT_EQ(asked.resource(), "roleBindings/ops");
  EXPECT_EQ(asked.requester(), PrincipalOf(kAdmin));
  EXPECT_TRUE(absl::StrContains(asked.request_json(), kNewPrincipal)) << asked.request_json();
  // Asked again before it is approved: the same approval.
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops")), "APPROVAL_REQUIRED");
  ASSERT_TRUE(Approve(kOtherAdmin, asked).ok());
  EXPECT_EQ(Only().approver(), PrincipalOf(kOtherAdmin));
  EXPECT_FALSE(IsBound("roleBindings/ops"));
  EXPECT_TRUE(Bind(kAdmin, "ops").ok());
  EXPECT_TRUE(IsBound("roleBindings/ops"));
  EXPECT_EQ(List(kAdmin).approvals_size(), 0);
  // Used up: taking it back and granting it again needs new ones.
  EXPECT_EQ(ReasonOf(Unbind(kAdmin, "roleBindings/ops")), "APPROVAL_REQUIRED");
}

TEST_F(ApprovalTest, NobodyApprovesTheirOwnRequest) {
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops")), "APPROVAL_REQUIRED");
  EXPECT_EQ(ReasonOf(Approve(kAdmin, Only())), "OWN_REQUEST");
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops")), "APPROVAL_REQUIRED");
}

TEST_F(ApprovalTest, ABindingYoungerThanADayDoesNotApprove) {
  rig_.keys.AddBinding("roleBindings/fresh", "", PrincipalOf("fresh"), v1::ROLE_ADMIN);
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops")), "APPROVAL_REQUIRED");
  EXPECT_EQ(ReasonOf(Approve("fresh", Only())), "BINDING_TOO_NEW");
  rig_.keys.clock.Advance(kMinApproverAge - absl::Seconds(1));
  EXPECT_EQ(ReasonOf(Approve("fresh", Only())), "BINDING_TOO_NEW");
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops2")), "APPROVAL_REQUIRED");
  rig_.keys.clock.Advance(absl::Seconds(2));
  EXPECT_TRUE(Approve("fresh", Only()).ok());
}

TEST_F(ApprovalTest, AnApprovalCoversNothingButItsRequest) {
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops", v1::ROLE_VIEWER)), "APPROVAL_REQUIRED");
  ASSERT_TRUE(Approve(kOtherAdmin, Only()).ok());
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops", v1::ROLE_ADMIN)), "APPROVAL_REQUIRED");
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops", v1::ROLE_VIEWER, "tenants/a")), "APPROVAL_REQUIRED");
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops", v1::ROLE_VIEWER, "", "spiffe://test/other")),
            "APPROVAL_REQUIRED");
  // Nor another requester, the approver least of all.
  EXPECT_EQ(ReasonOf(Bind(kOtherAdmin, "ops", v1::ROLE_VIEWER)), "APPROVAL_REQUIRED");
  EXPECT_FALSE(IsBound("roleBindings/ops"));
}

TEST_F(ApprovalTest, AnApprovalCoversTheResourceAsItWas) {
  const std::string name = "roleBindings/old";
  rig_.keys.AddBinding(name, "", kNewPrincipal, v1::ROLE_VIEWER);
  EXPECT_EQ(ReasonOf(Unbind(kAdmin, name)), "APPROVAL_REQUIRED");
  ASSERT_TRUE(Approve(kOtherAdmin, Only()).ok());
  // The binding goes away and comes back with another role: not what was approved.
  const auto snapshot = rig_.keys.catalog->Get();
  rig_.keys.Commit(*catalog::DeleteBinding(*snapshot, *catalog::FindBinding(*snapshot, name)));
  rig_.keys.AddBinding(name, "", kNewPrincipal, v1::ROLE_OPERATOR);
  EXPECT_EQ(ReasonOf(Unbind(kAdmin, name)), "APPROVAL_REQUIRED");
  EXPECT_TRUE(IsBound(name));
}

TEST_F(ApprovalTest, ApprovalsExpire) {
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops")), "APPROVAL_REQUIRED");
  const v1::Approval asked = Only();
  ASSERT_TRUE(Approve(kOtherAdmin, asked).ok());
  rig_.keys.clock.Advance(kApprovalLifetime);
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops")), "APPROVAL_REQUIRED");
  EXPECT_NE(Only().name(), asked.name());
  // The expired one was swept away with the new request.
  EXPECT_EQ(rig_.keys.catalog->Get()->approvals.size(), 1U);
  EXPECT_EQ(Get(kAdmin, asked.name()).error_code(), grpc::NOT_FOUND);
}

TEST_F(ApprovalTest, AnApproverWhoLostTheRightCountsNoMore) {
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops")), "APPROVAL_REQUIRED");
  ASSERT_TRUE(Approve(kOtherAdmin, Only()).ok());
  rig_.keys.AddBinding("roleBindings/third", "", PrincipalOf("third"), v1::ROLE_ADMIN);
  const auto snapshot = rig_.keys.catalog->Get();
  rig_.keys.Commit(*catalog::DeleteBinding(
      *snapshot, *catalog::FindBinding(*snapshot, std::string("roleBindings/") + kOtherAdmin)));
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops")), "APPROVAL_REQUIRED");
  EXPECT_FALSE(IsBound("roleBindings/ops"));
}

TEST_F(ApprovalTest, OnlyThoseWhoMayMakeTheChangeApproveIt) {
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops")), "APPROVAL_REQUIRED");
  const v1::Approval asked = Only();
  for (const char* who : {kOperator, kViewer, kTenantOperator, kTenantIssuer, kStranger}) {
    EXPECT_EQ(Approve(who, asked).error_code(), grpc::PERMISSION_DENIED) << who;
    EXPECT_EQ(Reject(who, asked.name()).error_code(), grpc::PERMISSION_DENIED) << who;
    EXPECT_EQ(Get(who, asked.name()).error_code(), grpc::PERMISSION_DENIED) << who;
    EXPECT_EQ(List(who).approvals_size(), 0) << who;
  }
  // What is not there is denied like what is not theirs.
  EXPECT_EQ(Get(kStranger, "approvals/none").error_code(), grpc::PERMISSION_DENIED);
  EXPECT_EQ(Get(kAdmin, "approvals/none").error_code(), grpc::NOT_FOUND);
}

TEST_F(ApprovalTest, ATenantsAdminApprovesInTheTenantOnly) {
  rig_.keys.AddBinding("tenants/a/roleBindings/ta", "tenants/a", PrincipalOf("ta"),
                       v1::ROLE_TENANT_ADMIN);
  rig_.keys.clock.Advance(kMinApproverAge + absl::Seconds(1));
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops", v1::ROLE_VIEWER, "tenants/a")), "APPROVAL_REQUIRED");
  EXPECT_TRUE(Approve("ta", Only()).ok());
  EXPECT_TRUE(Bind(kAdmin, "ops", v1::ROLE_VIEWER, "tenants/a").ok());
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops", v1::ROLE_VIEWER, "tenants/b")), "APPROVAL_REQUIRED");
  EXPECT_EQ(Approve("ta", Only()).error_code(), grpc::PERMISSION_DENIED);
}

TEST_F(ApprovalTest, ARequestCanBeDropped) {
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops")), "APPROVAL_REQUIRED");
  const v1::Approval asked = Only();
  ASSERT_TRUE(Approve(kOtherAdmin, asked).ok());
  EXPECT_TRUE(Reject(kOtherAdmin, asked.name()).ok());
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops")), "APPROVAL_REQUIRED");
  EXPECT_TRUE(Reject(kAdmin, Only().name()).ok());
  EXPECT_EQ(List(kAdmin).approvals_size(), 0);
}

TEST_F(ApprovalTest, WhatIsApprovedIsWhatWasRead) {
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops")), "APPROVAL_REQUIRED");
  v1::Approval asked = Only();
  asked.set_etag("another");
  EXPECT_EQ(Approve(kOtherAdmin, asked).error_code(), grpc::ABORTED);
  asked.clear_etag();
  EXPECT_EQ(Approve(kOtherAdmin, asked).error_code(), grpc::ABORTED);
  ASSERT_TRUE(Approve(kOtherAdmin, Only()).ok());
  EXPECT_EQ(ReasonOf(Approve(kOtherAdmin, Only())), "ALREADY_APPROVED");
}

TEST_F(ApprovalTest, ThePolicyGuardsItself) {
  EXPECT_EQ(ReasonOf(SetPolicy(kAdmin, false)), "APPROVAL_REQUIRED");
  EXPECT_EQ(ReasonOf(Bind(kAdmin, "ops")), "APPROVAL_REQUIRED");
  const auto waiting = List(kAdmin);
  for (const auto& approval : waiting.approvals()) {
    if (approval.resource() != "approvalPolicy") continue;
    ASSERT_TRUE(Approve(kOtherAdmin, approval).ok());
  }
  EXPECT_TRUE(SetPolicy(kAdmin, false).ok());
  EXPECT_TRUE(Bind(kAdmin, "ops").ok());
  EXPECT_EQ(SetPolicy(kAdmin, true, "another").error_code(), grpc::ABORTED);
  EXPECT_EQ(SetPolicy(kOperator, true).error_code(), grpc::PERMISSION_DENIED);
}

TEST_F(ApprovalTest, OneOfTheLastTwoAdminsStays) {
  const std::string other = std::string("roleBindings/") + kOtherAdmin;
  EXPECT_EQ(ReasonOf(Unbind(kAdmin, other)), "LAST_ADMIN");
  EXPECT_EQ(List(kAdmin).approvals_size(), 0);
}

TEST_F(ApprovalTest, WaitingRequestsAreBounded) {
  for (size_t i = 0; i < kMaxApprovalsPerRequester; ++i) {
    ASSERT_EQ(ReasonOf(Bind(kAdmin, absl::StrCat("b", i))), "APPROVAL_REQUIRED") << i;
  }
  const grpc::Status full = Bind(kAdmin, "one-more");
  EXPECT_EQ(full.error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(full), "TOO_MANY_APPROVALS");
  EXPECT_EQ(ReasonOf(Bind(kOtherAdmin, "one-more")), "APPROVAL_REQUIRED");
}

// What the first admin needs to do alone, before there is a second one.
TEST(ApprovalPolicy, IsOffUntilTwoAdminsCanWork) {
  fakes::KeyRig keys;
  keys.AddBinding("roleBindings/one", "", "spiffe://test/one", v1::ROLE_ADMIN);
  keys.AddBinding("roleBindings/again", "", "spiffe://test/one", v1::ROLE_ADMIN);
  EXPECT_FALSE(keys.catalog->Get()->approval_policy.two_persons);
  const auto refused =
      catalog::UpdateApprovalPolicy(*keys.catalog->Get(), catalog::ApprovalPolicy{true, 0});
  EXPECT_EQ(ErrorReason(refused.status()), "SECOND_ADMIN_MISSING");
  keys.AddBinding("roleBindings/two", "", "spiffe://test/two", v1::ROLE_ADMIN);
  EXPECT_TRUE(
      catalog::UpdateApprovalPolicy(*keys.catalog->Get(), catalog::ApprovalPolicy{true, 0}).ok());
}

store::Transaction BindingNamed(const std::string& name) {
  catalog::RoleBinding binding;
  binding.name = name;
  binding.principal = kNewPrincipal;
  binding.role = v1::ROLE_VIEWER;
  binding.create_time = absl::UnixEpoch();
  return catalog::CreateBinding(nullptr, binding);
}

// Else a change that was let through a moment before the policy came would still
// be made after it.
TEST(Permit, TiesAChangeToThePolicyItWasLetThroughBy) {
  fakes::KeyRig keys;
  keys.AddBinding("roleBindings/one", "", "spiffe://test/one", v1::ROLE_ADMIN);
  keys.AddBinding("roleBindings/two", "", "spiffe://test/two", v1::ROLE_ADMIN);
  const Permit permit(keys.catalog->Get()->approval_policy.mod_revision, nullptr);
  store::Transaction late = BindingNamed("roleBindings/late");
  permit.AddTo(late);
  keys.Commit(*catalog::UpdateApprovalPolicy(*keys.catalog->Get(), {true, 0}));
  EXPECT_TRUE(absl::IsAborted(keys.catalog->Commit(late).status()));
}

// Else two runs of the same request at once would both be covered by it.
TEST(Permit, UsesItsApprovalUp) {
  fakes::KeyRig keys;
  catalog::Approval approval;
  approval.name = "approvals/a1";
  approval.request_digest = std::string(32, 'd');
  approval.requester = "spiffe://test/one";
  approval.verb = "roleBindings.manage";
  keys.Commit(catalog::CreateApproval(approval, {}));
  const Permit permit(0, keys.catalog->Get()->approvals.at(approval.name));
  store::Transaction first = BindingNamed("roleBindings/first");
  store::Transaction second = BindingNamed("roleBindings/second");
  permit.AddTo(first);
  permit.AddTo(second);
  EXPECT_TRUE(keys.catalog->Commit(first).ok());
  EXPECT_TRUE(absl::IsAborted(keys.catalog->Commit(second).status()));
  EXPECT_TRUE(keys.catalog->Get()->approvals.empty());
}

}  // namespace
}  // namespace sealward::api
