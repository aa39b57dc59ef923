// Who did what, and who was refused. If these break, an administrative act or a
// refusal leaves no trace, leaves two, or leaves a trace with a secret in it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/unit/api/api_rig.h"

namespace sealward::api {
namespace {

using Signing = v1::SigningService;
using Tenants = v1::TenantService;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr char kSecret[] = "secret-4711";

class DecisionRecordsTest : public testing::Test {
 protected:
  DecisionRecordsTest() {
    EXPECT_TRUE(
        rig_.keys.manager
            ->CreateKey(fakes::KeyRig::NewKey("tenants/a/keys/main"), absl::InfiniteFuture())
            .ok());
  }

  grpc::Status CreateTenant(const std::string& who, const std::string& id,
                            bool validate_only = false) {
    v1::CreateTenantRequest request;
    request.set_tenant_id(id);
    request.set_validate_only(validate_only);
    v1::Tenant tenant;
    return rig_.Call<Tenants>(who, &Tenants::Stub::CreateTenant, request, &tenant);
  }
  grpc::Status ListTenants(const std::string& who) {
    v1::ListTenantsResponse response;
    return rig_.Call<Tenants>(who, &Tenants::Stub::ListTenants, v1::ListTenantsRequest(),
                              &response);
  }
  std::string Claims(const std::string& more = "") const {
    return absl::StrCat(R"({"iss":"https://issuer.example/tenants/a/issuers/main","aud":"mail",)",
                        R"("exp":)", absl::ToUnixSeconds(rig_.keys.clock.Now()) + 600, more, "}");
  }
  v1::SignJwtRequest SignRequest(const std::string& claims,
                                 const std::string& key = "tenants/a/keys/main") const {
    v1::SignJwtRequest request;
    request.set_key(key);
    request.set_claims(claims);
    return request;
  }
  grpc::Status Sign(const v1::SignJwtRequest& request, const std::string& who = kTenantIssuer) {
    v1::SignJwtResponse response;
    return rig_.Call<Signing>(who, &Signing::Stub::SignJwt, request, &response);
  }

  ApiRig rig_;
};

TEST_F(DecisionRecordsTest, EachActIsRecordedOnceWithItsOutcome) {
  ASSERT_TRUE(CreateTenant(kAdmin, "c").ok());
  EXPECT_THAT(
      rig_.decisions.Take(),
      ElementsAre(AllOf(StartsWith("allowed OK tenants.create tenants/c by spiffe://test/admin ["),
                        EndsWith("]: role admin on the service x1"))));
  EXPECT_EQ(ReasonOf(CreateTenant(kAdmin, "c")), "ALREADY_EXISTS");
  EXPECT_THAT(rig_.decisions.Take(),
              ElementsAre(AllOf(StartsWith("failed ALREADY_EXISTS tenants.create tenants/c by "),
                                EndsWith(": ALREADY_EXISTS x1"))));
  EXPECT_EQ(ReasonOf(CreateTenant(kAdmin, "C")), "NAME_INVALID");
  EXPECT_THAT(rig_.decisions.Take(),
              ElementsAre(AllOf(StartsWith("denied INVALID_ARGUMENT tenants.create tenants/C by "),
                                EndsWith(": NAME_INVALID x1"))));
  EXPECT_FALSE(rig_.decisions.last_request_id().empty());
  EXPECT_THAT(rig_.decisions.last_peer(), StartsWith("ipv4:127.0.0.1:"));
}

TEST_F(DecisionRecordsTest, ARehearsalSaysSo) {
  ASSERT_TRUE(CreateTenant(kAdmin, "c", /*validate_only=*/true).ok());
  EXPECT_THAT(rig_.decisions.Take(), ElementsAre(EndsWith(": validate_only x1")));
}

TEST_F(DecisionRecordsTest, ARefusedActIsRecordedOnce) {
  EXPECT_FALSE(CreateTenant(kStranger, "c").ok());
  EXPECT_THAT(rig_.decisions.Take(),
              ElementsAre(AllOf(StartsWith("denied PERMISSION_DENIED tenants.create tenants/c by "
                                           "spiffe://test/stranger ["),
                                EndsWith("]: no role binding of this principal x1"))));
}

TEST_F(DecisionRecordsTest, OfReadsOnlyRefusalsAreRecorded) {
  EXPECT_TRUE(ListTenants(kViewer).ok());
  EXPECT_THAT(rig_.decisions.Take(), IsEmpty());
  EXPECT_FALSE(ListTenants(kTenantOperator).ok());
  EXPECT_THAT(rig_.decisions.Take(),
              ElementsAre(AllOf(StartsWith("denied PERMISSION_DENIED tenants.list tenants by "),
                                EndsWith(": no role of this principal includes the verb here "
                                         "x1"))));
}

TEST_F(DecisionRecordsTest, ACallerWithoutAPrincipalIsRecorded) {
  EXPECT_EQ(ListTenants("per%41cent").error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(rig_.decisions.Take(),
              ElementsAre(AllOf(StartsWith("denied UNAUTHENTICATED authenticate  by  ["),
                                EndsWith("]: PRINCIPAL_INVALID x1"),
                                testing::ContainsRegex("\\[[0-9a-f]{64}\\]"))));
}

// Everything that is allowed to sign goes without a record: the issuance log
// will have one for each JWT.
TEST_F(DecisionRecordsTest, WhatMaySignLeavesNoRecord) {
  ASSERT_TRUE(Sign(SignRequest(Claims())).ok());
  EXPECT_THAT(rig_.decisions.Take(), IsEmpty());
}

TEST_F(DecisionRecordsTest, RefusalsToSignAreRecorded) {
  EXPECT_FALSE(Sign(SignRequest(Claims()), kStranger).ok());
  EXPECT_FALSE(Sign(SignRequest(Claims(), "tenants/a/keys/none")).ok());
  EXPECT_FALSE(Sign(SignRequest("[]")).ok());
  EXPECT_FALSE(Sign(SignRequest(R"({"iss":"https://other","aud":"mail","exp":1700000600})")).ok());
  const auto by = [](const std::string& principal, const std::string& what,
                     const std::string& reason) {
    return AllOf(StartsWith(absl::StrCat("denied ", what, " by spiffe://test/", principal, " [")),
                 EndsWith(absl::StrCat("]: ", reason, " x1")));
  };
  EXPECT_THAT(
      rig_.decisions.Take(),
      ElementsAre(
          by(kStranger, "PERMISSION_DENIED keys.sign tenants/a/keys/main",
             "no role binding of this principal"),
          by(kTenantIssuer, "PERMISSION_DENIED keys.sign tenants/a/keys/none", "no such key"),
          by(kTenantIssuer, "INVALID_ARGUMENT keys.sign tenants/a/keys/main", "CLAIMS_INVALID"),
          by(kTenantIssuer, "FAILED_PRECONDITION keys.sign tenants/a/keys/main",
             "CLAIMS_OUT_OF_SCOPE")));
}

TEST_F(DecisionRecordsTest, EachItemOfABatchIsJudgedByItself) {
  v1::BatchSignJwtRequest request;
  *request.add_requests() = SignRequest(Claims());
  *request.add_requests() = SignRequest(Claims(), "tenants/b/keys/main");
  *request.add_requests() = SignRequest("[]");
  v1::BatchSignJwtResponse response;
  ASSERT_TRUE(
      rig_.Call<Signing>(kTenantIssuer, &Signing::Stub::BatchSignJwt, request, &response).ok());
  EXPECT_THAT(rig_.decisions.Take(),
              ElementsAre(StartsWith("denied PERMISSION_DENIED keys.sign tenants/b/keys/main "),
                          StartsWith("denied INVALID_ARGUMENT keys.sign tenants/a/keys/main ")));
  EXPECT_FALSE(rig_.Call<Signing>(kTenantIssuer, &Signing::Stub::BatchSignJwt,
                                  v1::BatchSignJwtRequest(), &response)
                   .ok());
  EXPECT_THAT(rig_.decisions.Take(), ElementsAre(EndsWith(": BATCH_SIZE_INVALID x1")));
}

TEST(DecisionRecords, ACallThatThereIsNoRoomForIsRecorded) {
  ApiRig rig(/*executor_threads=*/1, /*queue=*/0);
  v1::Tenant tenant;
  EXPECT_FALSE(
      rig.Call<Tenants>(kAdmin, &Tenants::Stub::CreateTenant, v1::CreateTenantRequest(), &tenant)
          .ok());
  EXPECT_THAT(rig.decisions.Take(), ElementsAre(AllOf(StartsWith("denied RESOURCE_EXHAUSTED "),
                                                      EndsWith(": TOO_MANY_CALLS x1"))));
}

// What callers put into claims is theirs alone, wherever the check stumbles.
TEST_F(DecisionRecordsTest, NoClaimStandsInARecordOrInTheLog) {
  const std::string secret = kSecret;
  const std::string jwt = "eyJ" + std::string(60, 'A') + "." + secret + std::string(60, 'B');
  const std::vector<v1::SignJwtRequest> requests = {
      SignRequest(secret),
      SignRequest("{\"" + secret + "\":1,\"" + secret + "\":2}"),
      SignRequest("{\"iss\":\"" + secret + "\"}"),
      SignRequest(Claims(",\"sub\":{\"" + secret + "\"")),
      SignRequest(Claims(",\"nbf\":\"" + secret + "\"")),
      SignRequest("{\"iss\":\"https://issuer.example/tenants/a/issuers/main\",\"aud\":\"" + secret +
                  "\",\"exp\":1700000600}"),
      SignRequest("{\"iss\":\"https://issuer.example/tenants/a/issuers/main\",\"aud\":\"mail\","
                  "\"exp\":\"" +
                  secret + "\"}"),
      SignRequest(Claims(), jwt),
      SignRequest(Claims(), "tenants/a/keys/" + jwt),
  };
  testing::internal::CaptureStderr();
  for (v1::SignJwtRequest request : requests) {
    EXPECT_FALSE(Sign(request).ok()) << request.ShortDebugString();
    request.set_typ(secret);
    EXPECT_FALSE(Sign(request).ok()) << request.ShortDebugString();
    EXPECT_FALSE(Sign(request, kStranger).ok());
  }
  EXPECT_FALSE(absl::StrContains(testing::internal::GetCapturedStderr(), secret));
  const auto records = rig_.decisions.Take();
  EXPECT_THAT(records, SizeIs(3 * requests.size()));
  for (const std::string& record : records) {
    EXPECT_FALSE(absl::StrContains(record, secret)) << record;
  }
}

}  // namespace
}  // namespace sealward::api
