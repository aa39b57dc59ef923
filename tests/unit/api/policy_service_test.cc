// Rotation policies and cache promises over gRPC. If these break, a policy is taken
// that cannot be kept, or a changed promise makes a validator refuse an honest JWT.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/lifecycle/profiles.h"
#include "tests/unit/api/lifecycle_rig.h"

namespace sealward::api {
namespace {

using Keys = v1::KeyService;
using Issuers = v1::IssuerService;

// "field|description" of each violation.
std::vector<std::string> ViolationsOf(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::BadRequest bad;
  std::vector<std::string> violations;
  if (!details.ParseFromString(status.error_details())) return violations;
  for (const auto& any : details.details()) {
    if (!any.Is<google::rpc::BadRequest>() || !any.UnpackTo(&bad)) continue;
    for (const auto& each : bad.field_violations()) {
      violations.push_back(absl::StrCat(each.field(), "|", each.description()));
    }
  }
  return violations;
}

class PolicyServiceTest : public LifecycleRig {
 protected:
  v1::CreateKeyRequest CreateRequest(int64_t period_s) {
    v1::CreateKeyRequest request;
    request.set_parent(fakes::kTenant);
    request.set_key_id("new");
    v1::Key& key = *request.mutable_key();
    key.set_purpose(v1::KEY_PURPOSE_JWT);
    key.set_algorithm(v1::ALGORITHM_ES256);
    key.mutable_scope()->set_issuer("tenants/a/issuers/new");
    key.mutable_scope()->add_audiences("mail");
    if (period_s != 0)
      key.mutable_rotation_policy()->mutable_rotation_period()->set_seconds(period_s);
    return request;
  }
  grpc::Status Create(const v1::CreateKeyRequest& request) {
    if (!rig_.keys.catalog->Get()->issuers.contains("tenants/a/issuers/new")) {
      rig_.keys.AddIssuer("tenants/a/issuers/new");
    }
    return rig_.Call<Keys>(kTenantOperator, &Keys::Stub::CreateKey, request, &key_);
  }
  v1::UpdateKeyRequest Update(std::vector<std::string> paths) {
    v1::UpdateKeyRequest request;
    request.mutable_key()->set_name(fakes::kKey);
    for (std::string& path : paths) request.mutable_update_mask()->add_paths(std::move(path));
    return request;
  }
  grpc::Status Send(const v1::UpdateKeyRequest& request, const char* who = kTenantOperator) {
    return rig_.Call<Keys>(who, &Keys::Stub::UpdateKey, request, &key_);
  }
  v1::UpdateIssuerRequest UpdateIssuer(std::vector<std::string> paths) {
    v1::UpdateIssuerRequest request;
    request.mutable_issuer()->set_name(fakes::kIssuer);
    for (std::string& path : paths) request.mutable_update_mask()->add_paths(std::move(path));
    return request;
  }
  grpc::Status Send(const v1::UpdateIssuerRequest& request, const char* who = kAdmin) {
    return rig_.Call<Issuers>(who, &Issuers::Stub::UpdateIssuer, request, &issuer_);
  }
  v1::Issuer issuer_;
};

TEST_F(PolicyServiceTest, AKeyIsRotatedEveryMonthUnlessItSaysOtherwise) {
  ASSERT_TRUE(Create(CreateRequest(0)).ok());
  EXPECT_EQ(key_.rotation_policy().rotation_period().seconds(), 30 * 86400);
  EXPECT_EQ(key_.rotation_policy().max_signing_time().seconds(), 60 * 86400);
  EXPECT_FALSE(key_.rotation_policy().has_destroy_after());
  EXPECT_TRUE(rig_.keys.Key("tenants/a/keys/new")->versions[0]->times.sign_until <
              absl::InfiniteFuture());
}

TEST_F(PolicyServiceTest, APolicyThatCannotBeKeptNamesItsRule) {
  const grpc::Status status = Create(CreateRequest(600));
  EXPECT_EQ(ReasonOf(status), "POLICY_INFEASIBLE");
  EXPECT_THAT(ViolationsOf(status),
              testing::Contains(testing::StartsWith(
                  "key.rotation_policy.rotation_period|PERIOD_BELOW_PROPAGATION")));
  for (const int64_t absurd : {int64_t{-1}, int64_t{500} * 86400, int64_t{1} << 60}) {
    EXPECT_EQ(ReasonOf(Create(CreateRequest(absurd))), "POLICY_INFEASIBLE") << absurd;
  }
  v1::CreateKeyRequest zero = CreateRequest(86400);
  zero.mutable_key()->mutable_rotation_policy()->mutable_max_signing_time();
  EXPECT_THAT(ViolationsOf(Create(zero)),
              testing::ElementsAre(testing::StartsWith(
                  "key.rotation_policy.max_signing_time|DURATION_OUT_OF_RANGE")));
  EXPECT_FALSE(rig_.keys.catalog->Get()->keys.contains("tenants/a/keys/new"));
}

// Of the validators behind AWS's load balancer none takes an eleventh key.
TEST_F(PolicyServiceTest, AnIssuersKeysTogetherMustFitItsJwks) {
  rig_.keys.AddIssuer("tenants/a/issuers/shared", true);
  v1::CreateKeyRequest request = CreateRequest(86400);
  request.mutable_key()->mutable_scope()->set_issuer("tenants/a/issuers/shared");
  int made = 0;
  grpc::Status status;
  for (; made < 20; ++made) {
    request.set_key_id(absl::StrCat("k", made));
    status = Create(request);
    if (!status.ok()) break;
  }
  EXPECT_EQ(made, 6) << "three places each of twenty";
  EXPECT_THAT(ViolationsOf(status), testing::ElementsAre(testing::HasSubstr("JWKS_TOO_LARGE")));
}

TEST_F(PolicyServiceTest, OneFieldLeavesTheOthers) {
  v1::UpdateKeyRequest request = Update({"rotation_policy"});
  request.mutable_key()->mutable_rotation_policy()->mutable_rotation_period()->set_seconds(86400);
  ASSERT_TRUE(Send(request).ok());
  EXPECT_EQ(key_.rotation_policy().max_signing_time().seconds(), 2 * 86400);
  EXPECT_EQ(key_.algorithm(), v1::ALGORITHM_ES256);
  // The hard end of what signs comes forward with it.
  EXPECT_LE(rig_.keys.Key()->versions[0]->times.sign_until, rig_.keys.clock.Now() + 2 * kDay);
}

TEST_F(PolicyServiceTest, AnotherAlgorithmHoldsForNewVersions) {
  v1::UpdateKeyRequest request = Update({"algorithm"});
  request.mutable_key()->set_algorithm(v1::ALGORITHM_EDDSA_ED25519);
  ASSERT_TRUE(Send(request).ok());
  EXPECT_EQ(key_.algorithm(), v1::ALGORITHM_EDDSA_ED25519);
  Pass();
  const auto key = rig_.keys.Key();
  EXPECT_EQ(key->versions[0]->algorithm->algorithm, v1::ALGORITHM_ES256);
  EXPECT_EQ(key->versions[1]->algorithm->algorithm, v1::ALGORITHM_EDDSA_ED25519);
  rig_.keys.partition.SetAlgorithms({v1::ALGORITHM_ES256});
  EXPECT_EQ(ReasonOf(Send(request)), "ALGORITHM_UNAVAILABLE");
  request.mutable_key()->clear_algorithm();
  EXPECT_EQ(ReasonOf(Send(request)), "ALGORITHM_UNSUPPORTED");
}

// An HSM that refuses a pair for good would hold the key to the algorithm that it began with.
TEST_F(PolicyServiceTest, AnotherAlgorithmGivesUpAVersionThatIsStillToBeMade) {
  hsm::v1::Result refused;
  refused.set_code(static_cast<int>(absl::StatusCode::kFailedPrecondition));
  refused.set_ck_rv(0xd1);
  rig_.keys.partition.AnswerNextOf(hsm::v1::Operation::kGenerate, refused);
  Pass();
  ASSERT_EQ(rig_.keys.States(), "ACTIVE PENDING");
  v1::UpdateKeyRequest request = Update({"algorithm"});
  request.mutable_key()->set_algorithm(v1::ALGORITHM_ES256);
  ASSERT_TRUE(Send(request).ok());
  EXPECT_EQ(rig_.keys.States(), "ACTIVE PENDING") << "it has that algorithm";
  request.mutable_key()->set_algorithm(v1::ALGORITHM_EDDSA_ED25519);
  ASSERT_TRUE(Send(request).ok());
  EXPECT_EQ(rig_.keys.States(), "ACTIVE WITHDRAWN");
  rig_.keys.Restart();  // its record can be read
  ASSERT_TRUE(rig_.keys.manager->Advance(fakes::kKey).ok());
  EXPECT_EQ(rig_.keys.States(), "ACTIVE WITHDRAWN STAGED");
  EXPECT_EQ(rig_.keys.Key()->versions[2]->algorithm->algorithm, v1::ALGORITHM_EDDSA_ED25519);
}

TEST_F(PolicyServiceTest, WhoMayChangeWhat) {
  v1::UpdateKeyRequest policy = Update({"rotation_policy"});
  EXPECT_TRUE(Send(policy).ok());
  EXPECT_EQ(ReasonOf(Send(Update({"quota"}))), "PERMISSION_DENIED");
  EXPECT_EQ(ReasonOf(Send(Update({"rotation_policy", "quota"}))), "PERMISSION_DENIED");
  EXPECT_EQ(ReasonOf(Send(policy, kViewer)), "PERMISSION_DENIED");
  EXPECT_EQ(ReasonOf(Send(UpdateIssuer({"max_age"}), kTenantOperator)), "PERMISSION_DENIED");
}

TEST_F(PolicyServiceTest, ValidateOnlySaysWhetherAPolicyWouldDo) {
  const int64_t revision = rig_.keys.catalog->Get()->revision;
  v1::UpdateKeyRequest request = Update({"rotation_policy"});
  request.set_validate_only(true);
  request.mutable_key()->mutable_rotation_policy()->mutable_rotation_period()->set_seconds(60);
  EXPECT_EQ(ReasonOf(Send(request)), "POLICY_INFEASIBLE");
  request.mutable_key()->mutable_rotation_policy()->mutable_rotation_period()->set_seconds(86400);
  EXPECT_TRUE(Send(request).ok());
  EXPECT_EQ(rig_.keys.catalog->Get()->revision, revision);
}

TEST_F(PolicyServiceTest, ALongerPromisePutsOffWhatDoesNotSignYet) {
  Pass();
  const auto before = rig_.keys.Key()->versions[1]->times;
  v1::UpdateIssuerRequest request = UpdateIssuer({"propagation_time"});
  request.mutable_issuer()->mutable_propagation_time()->set_seconds(7200);
  ASSERT_TRUE(Send(request).ok());
  const auto after = rig_.keys.Key()->versions[1]->times;
  EXPECT_EQ(after.standby, before.publish + absl::Hours(2));
  EXPECT_EQ(rig_.keys.Key()->issuer->propagation_time, absl::Hours(2));
  EXPECT_EQ(rig_.keys.States(), "ACTIVE STAGED");
  // A shorter one takes nothing back.
  request.mutable_issuer()->mutable_propagation_time()->set_seconds(300);
  ASSERT_TRUE(Send(request).ok());
  EXPECT_EQ(rig_.keys.Key()->versions[1]->times.standby, after.standby);
}

TEST_F(PolicyServiceTest, AnIssuerThatBreaksAPolicyNamesTheKey) {
  v1::UpdateKeyRequest daily = Update({"rotation_policy"});
  daily.mutable_key()->mutable_rotation_policy()->mutable_rotation_period()->set_seconds(86400);
  ASSERT_TRUE(Send(daily).ok());
  v1::UpdateIssuerRequest request = UpdateIssuer({"propagation_time"});
  request.mutable_issuer()->mutable_propagation_time()->set_seconds(2 * 86400);
  const grpc::Status status = Send(request);
  EXPECT_EQ(ReasonOf(status), "POLICY_INFEASIBLE");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), testing::HasSubstr(fakes::kKey));
}

TEST_F(PolicyServiceTest, AProfileSetsWhatIsNotSaid) {
  v1::UpdateIssuerRequest request =
      UpdateIssuer({"validator_profile", "propagation_time", "max_jwks_keys"});
  request.mutable_issuer()->set_validator_profile(v1::VALIDATOR_PROFILE_AWS);
  ASSERT_TRUE(Send(request).ok());
  EXPECT_EQ(issuer_.propagation_time().seconds(),
            absl::ToInt64Seconds(lifecycle::PropagationTime(
                lifecycle::FindProfile(lifecycle::Profile::kAws), absl::Minutes(5))));
  EXPECT_EQ(issuer_.max_jwks_keys(), 10);
  request.mutable_issuer()->set_max_jwks_keys(2);
  EXPECT_EQ(ReasonOf(Send(request)), "CACHE_PROMISE_INVALID");
  request = UpdateIssuer({"max_age"});
  request.mutable_issuer()->mutable_max_age()->set_seconds(8000);
  EXPECT_EQ(ReasonOf(Send(request)), "CACHE_PROMISE_INVALID") << "beyond propagation_time";
  request = UpdateIssuer({"issuer_url"});
  EXPECT_EQ(ReasonOf(Send(request)), "UPDATE_MASK_INVALID");
  request = UpdateIssuer({"max_age"});
  request.mutable_issuer()->set_etag("old");
  EXPECT_EQ(ReasonOf(Send(request)), "ETAG_MISMATCH");
}

TEST_F(PolicyServiceTest, ARotationBeyondTheJwksIsRefused) {
  v1::UpdateIssuerRequest small = UpdateIssuer({"max_jwks_keys"});
  small.mutable_issuer()->set_max_jwks_keys(3);
  ASSERT_TRUE(Send(small).ok());
  v1::RotateKeyRequest request;
  request.set_name(fakes::kKey);
  v1::RotateKeyResponse response;
  grpc::Status status;
  for (int i = 0; i < 4 && status.ok(); ++i) {
    Pass();
    rig_.keys.clock.Advance(fakes::kPropagation);
    status = rig_.Call<Keys>(kTenantOperator, &Keys::Stub::RotateKey, request, &response);
  }
  EXPECT_EQ(ReasonOf(status), "JWKS_FULL") << rig_.keys.States();
}

}  // namespace
}  // namespace sealward::api
