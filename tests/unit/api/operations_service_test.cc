// Alarms and the clock over gRPC. Without these tests a tenant may read what is wrong
// with another's keys, an operator who may see nothing takes that for peace, or one
// stolen certificate sets the time by which every key lives.
#include "server/api/operations_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/api/approval_gate.h"
#include "server/api/conversion.h"
#include "tests/unit/api/api_rig.h"

namespace sealward::api {
namespace {

using Service = v1::OperationsService;
using Approvals = v1::ApprovalService;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kOtherAdmin[] = "other-admin";
constexpr char kKeyViewer[] = "key-viewer";  // of tenants/a/keys/web alone

class OperationsTest : public testing::Test {
 protected:
  grpc::Status List(const std::string& who, v1::ListAlarmsResponse& response,
                    const std::string& parent = "", int page_size = 0,
                    const std::string& token = "") {
    v1::ListAlarmsRequest request;
    request.set_parent(parent);
    request.set_page_size(page_size);
    request.set_page_token(token);
    return rig_.Call<Service>(who, &Service::Stub::ListAlarms, request, &response);
  }
  // "KIND resource" of each.
  std::vector<std::string> Alarms(const std::string& who, const std::string& parent = "") {
    v1::ListAlarmsResponse response;
    const grpc::Status status = List(who, response, parent);
    if (!status.ok()) return {ReasonOf(status)};
    std::vector<std::string> names;
    for (const v1::Alarm& alarm : response.alarms()) {
      names.push_back(absl::StrCat(alarm.kind(), " ", alarm.resource()));
    }
    return names;
  }
  grpc::Status Confirm(const std::string& who, absl::Time now) {
    v1::ConfirmClockRequest request;
    *request.mutable_now() = ToTimestamp(now);
    return rig_.Call<Service>(who, &Service::Stub::ConfirmClock, request, &confirmed_);
  }
  // Keys of both tenants whose successors are late, and a partition that is gone.
  void BreakThings() {
    rig_.keys.AddIssuer("tenants/b/issuers/main");
    for (const char* tenant : {"tenants/a", "tenants/b"}) {
      ASSERT_TRUE(rig_.keys.manager
                      ->CreateKey(fakes::KeyRig::NewKey(absl::StrCat(tenant, "/keys/web"),
                                                        absl::StrCat(tenant, "/issuers/main")),
                                  rig_.keys.clock.Now() + absl::Hours(1))
                      .ok());
    }
    rig_.keys.clock.Advance(alarms::kSuccessorSlack + absl::Seconds(1));
    rig_.keys.own_partition.SetAvailable(false);
  }
  void Freeze() {
    rig_.clock_step = absl::Hours(2);
    rig_.lifecycle_clock.Now();
  }

  ApiRig rig_;
  v1::ConfirmClockResponse confirmed_;
};

TEST_F(OperationsTest, EverybodySeesWhatTheyMayRead) {
  BreakThings();
  const std::string partition = absl::StrCat("HSM_UNREACHABLE partitions/", fakes::kOwnPartition);
  const std::string a = "SUCCESSOR_LATE tenants/a/keys/web";
  const std::string b = "SUCCESSOR_LATE tenants/b/keys/web";
  EXPECT_THAT(Alarms(kAdmin), ElementsAre(partition, a, b));
  EXPECT_THAT(Alarms(kViewer), ElementsAre(partition, a, b));
  EXPECT_THAT(Alarms(kTenantOperator), ElementsAre(a));
  EXPECT_THAT(Alarms(kAdmin, "tenants/b"), ElementsAre(b));
  EXPECT_THAT(Alarms(kTenantOperator, "tenants/a"), ElementsAre(a));
}

// An empty list would say that all is well.
TEST_F(OperationsTest, WhoMayReadNothingIsDenied) {
  BreakThings();
  EXPECT_THAT(Alarms(kStranger), ElementsAre("PERMISSION_DENIED"));
  EXPECT_THAT(Alarms(kTenantIssuer), ElementsAre("PERMISSION_DENIED"));
  EXPECT_THAT(Alarms(kTenantOperator, "tenants/b"), ElementsAre("PERMISSION_DENIED"));
  EXPECT_THAT(Alarms(kTenantOperator, "tenants/nobody"), ElementsAre("PERMISSION_DENIED"));
  EXPECT_THAT(Alarms(kAdmin, "tenants/B"), ElementsAre("NAME_INVALID"));
}

TEST_F(OperationsTest, ARoleOnAKeyShowsThatKey) {
  BreakThings();
  catalog::RoleBinding binding;
  binding.name = "tenants/a/keys/web/roleBindings/v";
  binding.tenant = "tenants/a";
  binding.key = fakes::kKey;
  binding.principal = PrincipalOf(kKeyViewer);
  binding.role = v1::ROLE_VIEWER;
  binding.create_time = rig_.keys.clock.Now();
  rig_.keys.Commit(
      catalog::CreateBinding(rig_.keys.catalog->Get()->tenants.at("tenants/a").get(), binding));
  const std::string a = "SUCCESSOR_LATE tenants/a/keys/web";
  EXPECT_THAT(Alarms(kKeyViewer), ElementsAre(a));
  EXPECT_THAT(Alarms(kKeyViewer, "tenants/a"), ElementsAre(a));
  EXPECT_THAT(Alarms(kKeyViewer, "tenants/b"), ElementsAre("PERMISSION_DENIED"));
}

TEST_F(OperationsTest, PagesHaveEveryAlarmOnce) {
  BreakThings();
  std::vector<std::string> kinds;
  std::string token;
  for (int page = 0; page < 3; ++page) {
    v1::ListAlarmsResponse response;
    ASSERT_TRUE(List(kAdmin, response, "", 1, token).ok());
    ASSERT_EQ(response.alarms_size(), 1);
    kinds.push_back(response.alarms(0).resource());
    EXPECT_TRUE(response.alarms(0).has_since());
    EXPECT_FALSE(response.alarms(0).description().empty());
    token = response.next_page_token();
  }
  EXPECT_EQ(token, "");
  EXPECT_THAT(kinds, ElementsAre("partitions/vault-b", "tenants/a/keys/web", "tenants/b/keys/web"));
  v1::ListAlarmsResponse response;
  EXPECT_EQ(ReasonOf(List(kAdmin, response, "", -1)), "PAGE_SIZE_INVALID");
  EXPECT_EQ(ReasonOf(List(kAdmin, response, "", 0, "x")), "PAGE_TOKEN_INVALID");
}

TEST_F(OperationsTest, TheClockIsConfirmedByAnAdminWhoKnowsTheTime) {
  const absl::Time now = rig_.lifecycle_clock.Realtime();
  EXPECT_EQ(ReasonOf(Confirm(kAdmin, now)), "CLOCK_NOT_FROZEN");
  Freeze();
  const absl::Time set = rig_.lifecycle_clock.Realtime();
  EXPECT_THAT(Alarms(kAdmin), ElementsAre("CLOCK_FROZEN "));
  EXPECT_THAT(Alarms(kTenantOperator), IsEmpty());
  EXPECT_EQ(ReasonOf(Confirm(kOperator, set)), "PERMISSION_DENIED");
  EXPECT_EQ(ReasonOf(Confirm(kAdmin, now)), "CLOCK_DIFFERS");
  EXPECT_EQ(ReasonOf(Confirm(kAdmin, set + kConfirmTolerance + absl::Seconds(1))), "CLOCK_DIFFERS");
  EXPECT_EQ(ReasonOf(Confirm(kAdmin, absl::UnixEpoch())), "TIME_INVALID");
  EXPECT_LT(rig_.lifecycle_clock.Now(), set);
  ASSERT_TRUE(Confirm(kAdmin, set + absl::Minutes(1)).ok());
  EXPECT_EQ(rig_.lifecycle_clock.Now(), set);
  EXPECT_EQ(confirmed_.lifecycle_time().seconds(), absl::ToUnixSeconds(set));
  EXPECT_EQ(rig_.keys.catalog->Get()->clock.high_water, set);
  EXPECT_THAT(Alarms(kAdmin), IsEmpty());
}

TEST_F(OperationsTest, TwoPersonsConfirmTheClock) {
  rig_.keys.AddBinding(absl::StrCat("roleBindings/", kOtherAdmin), "", PrincipalOf(kOtherAdmin),
                       v1::ROLE_ADMIN);
  rig_.keys.clock.Advance(kMinApproverAge + absl::Hours(1));
  v1::UpdateApprovalPolicyRequest policy;
  policy.mutable_approval_policy()->set_two_persons(true);
  v1::ApprovalPolicy updated;
  ASSERT_TRUE(
      rig_.Call<Approvals>(kAdmin, &Approvals::Stub::UpdateApprovalPolicy, policy, &updated).ok());
  Freeze();
  const absl::Time set = rig_.lifecycle_clock.Realtime();
  EXPECT_EQ(ReasonOf(Confirm(kAdmin, set)), "APPROVAL_REQUIRED");
  EXPECT_LT(rig_.lifecycle_clock.Now(), set);
  v1::ListApprovalsResponse all;
  ASSERT_TRUE(rig_.Call<Approvals>(kAdmin, &Approvals::Stub::ListApprovals,
                                   v1::ListApprovalsRequest(), &all)
                  .ok());
  ASSERT_EQ(all.approvals_size(), 1);
  v1::ApproveRequestRequest approve;
  approve.set_name(all.approvals(0).name());
  approve.set_etag(all.approvals(0).etag());
  v1::Approval approved;
  ASSERT_TRUE(
      rig_.Call<Approvals>(kOtherAdmin, &Approvals::Stub::ApproveRequest, approve, &approved).ok());
  // Later, the time that is stated is another: the approval is for the same freeze.
  rig_.keys.clock.Advance(absl::Minutes(10));
  EXPECT_TRUE(Confirm(kAdmin, set + absl::Minutes(10)).ok());
  EXPECT_EQ(rig_.lifecycle_clock.Now(), set + absl::Minutes(10));
}

}  // namespace
}  // namespace sealward::api
