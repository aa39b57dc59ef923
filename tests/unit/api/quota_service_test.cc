// Quotas over gRPC. If these break, an update changes what nobody named, a
// rotation and an update lose each other's change, or a tenant signs beyond what
// it was given.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/unit/api/api_rig.h"

namespace sealward::api {
namespace {

using Tenants = v1::TenantService;
using Keys = v1::KeyService;
using Signing = v1::SigningService;

v1::Quota QuotaOf(int64_t per_second, int64_t burst) {
  v1::Quota quota;
  quota.set_signatures_per_second(per_second);
  quota.set_burst(burst);
  return quota;
}

class QuotaServiceTest : public testing::Test {
 protected:
  v1::UpdateTenantRequest TenantRequest(std::vector<std::string> paths) {
    v1::UpdateTenantRequest request;
    request.mutable_tenant()->set_name(fakes::kTenant);
    for (std::string& path : paths) request.mutable_update_mask()->add_paths(std::move(path));
    return request;
  }
  grpc::Status Update(const v1::UpdateTenantRequest& request, v1::Tenant* tenant,
                      const std::string& who = kAdmin) {
    return rig_.Call<Tenants>(who, &Tenants::Stub::UpdateTenant, request, tenant);
  }
  grpc::Status Update(const v1::UpdateKeyRequest& request, v1::Key* key,
                      const std::string& who = kAdmin) {
    return rig_.Call<Keys>(who, &Keys::Stub::UpdateKey, request, key);
  }
  void SetQuota(const std::string& tenant, int64_t per_second, int64_t burst) {
    v1::UpdateTenantRequest request;
    request.mutable_tenant()->set_name(tenant);
    request.mutable_update_mask()->add_paths("quota");
    if (per_second > 0) *request.mutable_tenant()->mutable_quota() = QuotaOf(per_second, burst);
    v1::Tenant answer;
    ASSERT_TRUE(Update(request, &answer).ok());
  }
  void SetKeyQuota(int64_t per_second, int64_t burst) {
    v1::UpdateKeyRequest request;
    request.mutable_key()->set_name(fakes::kKey);
    request.mutable_update_mask()->add_paths("quota");
    if (per_second > 0) *request.mutable_key()->mutable_quota() = QuotaOf(per_second, burst);
    v1::Key answer;
    ASSERT_TRUE(Update(request, &answer).ok());
  }
  v1::Tenant GetTenant() {
    v1::GetTenantRequest request;
    request.set_name(fakes::kTenant);
    v1::Tenant tenant;
    EXPECT_TRUE(rig_.Call<Tenants>(kAdmin, &Tenants::Stub::GetTenant, request, &tenant).ok());
    return tenant;
  }
  v1::Key GetKey() {
    v1::GetKeyRequest request;
    request.set_name(fakes::kKey);
    v1::Key key;
    EXPECT_TRUE(rig_.Call<Keys>(kAdmin, &Keys::Stub::GetKey, request, &key).ok());
    return key;
  }
  void AddKey() {
    ASSERT_TRUE(rig_.keys.manager->CreateKey(fakes::KeyRig::NewKey(), absl::InfiniteFuture()).ok());
  }
  v1::SignJwtRequest SignRequest(const std::string& claims = "") {
    v1::SignJwtRequest request;
    request.set_key(fakes::kKey);
    request.set_claims(claims.empty()
                           ? absl::StrCat(R"({"iss":")", rig_.keys.Key()->issuer->issuer_url,
                                          R"(","aud":"mail","exp":)",
                                          absl::ToUnixSeconds(rig_.keys.clock.Now()) + 600, "}")
                           : claims);
    return request;
  }
  grpc::Status Sign(const std::string& claims = "") {
    v1::SignJwtResponse response;
    return rig_.Call<Signing>(kTenantIssuer, &Signing::Stub::SignJwt, SignRequest(claims),
                              &response);
  }
  // How many of a batch of `size` were signed; the others were over a quota.
  int SignBatch(int size) {
    v1::BatchSignJwtRequest request;
    for (int i = 0; i < size; ++i) *request.add_requests() = SignRequest();
    v1::BatchSignJwtResponse response;
    EXPECT_TRUE(
        rig_.Call<Signing>(kTenantIssuer, &Signing::Stub::BatchSignJwt, request, &response).ok());
    int done = 0;
    for (const v1::BatchSignJwtResult& result : response.results()) {
      done += result.has_response() ? 1 : 0;
      if (!result.has_response()) {
        EXPECT_EQ(result.error().code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
      }
    }
    return done;
  }

  ApiRig rig_;
};

TEST_F(QuotaServiceTest, AnUpdateTakesWhatTheMaskNames) {
  v1::UpdateTenantRequest request = TenantRequest({"quota"});
  request.mutable_tenant()->set_display_name("ignored");
  *request.mutable_tenant()->mutable_quota() = QuotaOf(50, 0);
  v1::Tenant tenant;
  ASSERT_TRUE(Update(request, &tenant).ok());
  EXPECT_EQ(tenant.quota().signatures_per_second(), 50);
  EXPECT_EQ(tenant.quota().burst(), 50);  // one second's worth, resolved
  EXPECT_EQ(tenant.display_name(), "");
  EXPECT_EQ(tenant.SerializeAsString(), GetTenant().SerializeAsString());

  request = TenantRequest({"display_name"});
  request.mutable_tenant()->set_display_name("New");
  *request.mutable_tenant()->mutable_quota() = QuotaOf(-7, -7);  // not named: not looked at
  ASSERT_TRUE(Update(request, &tenant).ok());
  EXPECT_EQ(tenant.display_name(), "New");
  EXPECT_EQ(tenant.quota().burst(), 50);

  // All, by "*" and by nothing: what is not set is cleared.
  for (const std::vector<std::string>& mask : {std::vector<std::string>{"*"}, {}}) {
    request = TenantRequest({"quota"});
    *request.mutable_tenant()->mutable_quota() = QuotaOf(5, 9);
    ASSERT_TRUE(Update(request, &tenant).ok());
    EXPECT_EQ(tenant.quota().burst(), 9);
    request = TenantRequest(mask);
    request.mutable_tenant()->set_display_name("All");
    ASSERT_TRUE(Update(request, &tenant).ok());
    EXPECT_EQ(tenant.display_name(), "All");
    EXPECT_FALSE(tenant.has_quota());
  }
}

TEST_F(QuotaServiceTest, WhatCannotBeChangedIsNamed) {
  v1::Tenant tenant;
  for (const char* path :
       {"name", "partition", "etag", "quota.burst", "create_time", "nonsense", "", "Quota"}) {
    const grpc::Status status = Update(TenantRequest({"quota", path}), &tenant);
    EXPECT_EQ(ReasonOf(status), "UPDATE_MASK_INVALID") << path;
    EXPECT_TRUE(absl::StrContains(status.error_message(), absl::StrCat("\"", path, "\"")));
  }
  EXPECT_EQ(ReasonOf(Update(TenantRequest({"*", "quota"}), &tenant)), "UPDATE_MASK_INVALID");
  EXPECT_EQ(ReasonOf(Update(TenantRequest(std::vector<std::string>(65, "quota")), &tenant)),
            "UPDATE_MASK_INVALID");
  v1::UpdateKeyRequest key_request;
  key_request.mutable_key()->set_name(fakes::kKey);
  key_request.mutable_update_mask()->add_paths("scope");
  v1::Key key;
  EXPECT_EQ(ReasonOf(Update(key_request, &key)), "UPDATE_MASK_INVALID");
  EXPECT_EQ(GetTenant().SerializeAsString(), GetTenant().SerializeAsString());
}

TEST_F(QuotaServiceTest, QuotasHaveLimits) {
  struct Case {
    int64_t per_second;
    int64_t burst;
    bool ok;
  };
  for (const Case& each :
       {Case{0, 0, false}, Case{-1, 5, false}, Case{0, 5, false}, Case{1'000'001, 0, false},
        Case{1, -1, false}, Case{1, 10'000'001, false}, Case{1, 0, true},
        Case{1'000'000, 10'000'000, true}}) {
    v1::UpdateTenantRequest request = TenantRequest({"quota"});
    *request.mutable_tenant()->mutable_quota() = QuotaOf(each.per_second, each.burst);
    v1::Tenant tenant;
    EXPECT_EQ(ReasonOf(Update(request, &tenant)), each.ok ? "" : "QUOTA_INVALID")
        << each.per_second << " " << each.burst;
    v1::CreateTenantRequest create;
    create.set_tenant_id("c");
    create.set_validate_only(true);
    *create.mutable_tenant()->mutable_quota() = QuotaOf(each.per_second, each.burst);
    EXPECT_EQ(ReasonOf(rig_.Call<Tenants>(kAdmin, &Tenants::Stub::CreateTenant, create, &tenant)),
              each.ok ? "" : "QUOTA_INVALID");
  }
}

TEST_F(QuotaServiceTest, CreationTakesAQuotaToo) {
  v1::CreateTenantRequest create;
  create.set_tenant_id("c");
  *create.mutable_tenant()->mutable_quota() = QuotaOf(7, 0);
  v1::Tenant tenant;
  ASSERT_TRUE(rig_.Call<Tenants>(kAdmin, &Tenants::Stub::CreateTenant, create, &tenant).ok());
  EXPECT_EQ(tenant.quota().burst(), 7);
  EXPECT_EQ(rig_.keys.catalog->Get()->tenants.at("tenants/c")->quota, (catalog::Quota{7, 7}));
  v1::CreateKeyRequest request;
  request.set_parent(fakes::kTenant);
  request.set_key_id("web");
  request.mutable_key()->set_purpose(v1::KEY_PURPOSE_JWT);
  request.mutable_key()->set_algorithm(v1::ALGORITHM_ES256);
  request.mutable_key()->mutable_scope()->set_issuer(fakes::kIssuer);
  request.mutable_key()->mutable_scope()->add_audiences("mail");
  *request.mutable_key()->mutable_quota() = QuotaOf(0, 3);
  v1::Key key;
  const auto make = [&] { return rig_.Call<Keys>(kAdmin, &Keys::Stub::CreateKey, request, &key); };
  EXPECT_EQ(ReasonOf(make()), "QUOTA_INVALID");
  *request.mutable_key()->mutable_quota() = QuotaOf(2, 3);
  request.set_validate_only(true);
  ASSERT_TRUE(make().ok());
  EXPECT_EQ(key.quota().burst(), 3);
  request.set_validate_only(false);
  ASSERT_TRUE(make().ok());
  EXPECT_EQ(key.quota().burst(), 3);
  EXPECT_EQ(rig_.keys.Key()->quota, (catalog::Quota{2, 3}));
}

TEST_F(QuotaServiceTest, EtagsGuardUpdates) {
  AddKey();
  v1::UpdateTenantRequest tenant_request = TenantRequest({"display_name"});
  tenant_request.mutable_tenant()->set_etag(GetTenant().etag());
  v1::UpdateKeyRequest key_request;
  key_request.mutable_key()->set_name(fakes::kKey);
  key_request.mutable_key()->set_etag(GetKey().etag());
  key_request.mutable_update_mask()->add_paths("quota");
  v1::Tenant tenant;
  v1::Key key;
  ASSERT_TRUE(Update(tenant_request, &tenant).ok());
  ASSERT_TRUE(Update(key_request, &key).ok());
  EXPECT_EQ(tenant.etag(), GetTenant().etag());
  EXPECT_EQ(key.etag(), GetKey().etag());
  // Used once, it is stale.
  EXPECT_EQ(Update(tenant_request, &tenant).error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(ReasonOf(Update(tenant_request, &tenant)), "ETAG_MISMATCH");
  EXPECT_EQ(ReasonOf(Update(key_request, &key)), "ETAG_MISMATCH");
}

TEST_F(QuotaServiceTest, ValidateOnlyChangesNothing) {
  AddKey();
  const auto revision = rig_.keys.catalog->Get()->revision;
  v1::UpdateTenantRequest tenant_request = TenantRequest({});
  tenant_request.set_validate_only(true);
  *tenant_request.mutable_tenant()->mutable_quota() = QuotaOf(3, 4);
  v1::Tenant tenant;
  ASSERT_TRUE(Update(tenant_request, &tenant).ok());
  EXPECT_EQ(tenant.quota().burst(), 4);
  v1::UpdateKeyRequest key_request;
  key_request.mutable_key()->set_name(fakes::kKey);
  key_request.mutable_update_mask()->add_paths("quota");
  *key_request.mutable_key()->mutable_quota() = QuotaOf(3, 4);
  key_request.set_validate_only(true);
  v1::Key key;
  ASSERT_TRUE(Update(key_request, &key).ok());
  EXPECT_EQ(key.quota().burst(), 4);
  EXPECT_EQ(rig_.keys.catalog->Get()->revision, revision);
}

TEST_F(QuotaServiceTest, OnlyTheRightRolesAndNamesThatExist) {
  AddKey();
  v1::Tenant tenant;
  v1::Key key;
  v1::UpdateKeyRequest key_request;
  key_request.mutable_key()->set_name(fakes::kKey);
  key_request.mutable_update_mask()->add_paths("quota");
  for (const char* who : {kOperator, kViewer, kTenantOperator, kTenantIssuer, kStranger}) {
    EXPECT_EQ(ReasonOf(Update(TenantRequest({}), &tenant, who)), "PERMISSION_DENIED") << who;
    EXPECT_EQ(ReasonOf(Update(key_request, &key, who)), "PERMISSION_DENIED") << who;
  }
  v1::UpdateTenantRequest nowhere = TenantRequest({});
  nowhere.mutable_tenant()->set_name("tenants/none");
  EXPECT_EQ(ReasonOf(Update(nowhere, &tenant)), "NOT_FOUND");
  nowhere.mutable_tenant()->set_name("none");
  EXPECT_EQ(ReasonOf(Update(nowhere, &tenant)), "NAME_INVALID");
  key_request.mutable_key()->set_name("tenants/a/keys/none");
  EXPECT_EQ(ReasonOf(Update(key_request, &key)), "NOT_FOUND");
  key_request.mutable_key()->set_name(fakes::kTenant);
  EXPECT_EQ(ReasonOf(Update(key_request, &key)), "NAME_INVALID");
}

// An update takes no lease on the key, so only the store's conditions keep the
// two apart.
TEST_F(QuotaServiceTest, AnUpdateAndARotationDoNotLoseEachOther) {
  AddKey();
  for (int round = 1; round <= 8; ++round) {
    const size_t versions = rig_.keys.Key()->versions.size();
    rig_.keys.clock.Advance(fakes::kPropagation);
    grpc::Status updated;
    std::thread update([&] {
      v1::UpdateKeyRequest request;
      request.mutable_key()->set_name(fakes::kKey);
      request.mutable_update_mask()->add_paths("quota");
      *request.mutable_key()->mutable_quota() = QuotaOf(round, round);
      v1::Key key;
      updated = Update(request, &key);
    });
    v1::RotateKeyRequest rotate;
    rotate.set_name(fakes::kKey);
    v1::RotateKeyResponse response;
    const grpc::Status rotated = rig_.Call<Keys>(kAdmin, &Keys::Stub::RotateKey, rotate, &response);
    update.join();
    ASSERT_TRUE(updated.ok()) << updated.error_message();
    ASSERT_TRUE(rotated.ok()) << rotated.error_message();
    const auto key = rig_.keys.Key();
    EXPECT_EQ(key->quota, (catalog::Quota{round, round}));
    EXPECT_EQ(key->versions.size(), versions + (round == 1 ? 1U : 0U)) << round;
    const lifecycle::VersionTimes& last = key->versions.back()->times;
    EXPECT_NE(last.activate, absl::InfiniteFuture());
    rig_.keys.clock.Advance(fakes::kPropagation * 2);
    rig_.keys.driver->RunPass();
  }
}

TEST_F(QuotaServiceTest, OverItsQuotaATenantIsToldWhenToComeAgain) {
  AddKey();
  SetQuota(fakes::kTenant, 2, 3);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Sign().ok());
  const grpc::Status refused = Sign();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(refused), "QUOTA_EXCEEDED");
  google::rpc::Status details;
  google::rpc::QuotaFailure failure;
  google::rpc::RetryInfo retry;
  ASSERT_TRUE(details.ParseFromString(refused.error_details()));
  for (const auto& any : details.details()) {
    if (any.Is<google::rpc::QuotaFailure>()) any.UnpackTo(&failure);
    if (any.Is<google::rpc::RetryInfo>()) any.UnpackTo(&retry);
  }
  ASSERT_EQ(failure.violations_size(), 1);
  EXPECT_EQ(failure.violations(0).subject(), fakes::kTenant);
  EXPECT_EQ(retry.retry_delay().nanos(), 500'000'000);
  rig_.keys.clock.Advance(absl::Milliseconds(500));
  EXPECT_TRUE(Sign().ok());
  EXPECT_FALSE(Sign().ok());
  // Another quota holds at once, and so does none.
  SetQuota(fakes::kTenant, 0, 0);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Sign().ok());
}

// A flood is refused before its claims are read; a stranger is denied before a
// quota is looked at, so that it can neither use it up nor learn of it.
TEST_F(QuotaServiceTest, QuotaComesAfterAuthorizationAndBeforeClaims) {
  AddKey();
  SetKeyQuota(1, 2);
  v1::SignJwtResponse response;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(
        ReasonOf(rig_.Call<Signing>(kStranger, &Signing::Stub::SignJwt, SignRequest(), &response)),
        "PERMISSION_DENIED");
  }
  EXPECT_EQ(ReasonOf(Sign("{")), "CLAIMS_INVALID");
  EXPECT_TRUE(Sign().ok());
  EXPECT_EQ(ReasonOf(Sign("{")), "QUOTA_EXCEEDED");
}

TEST_F(QuotaServiceTest, OfABatchTheQuotaIsSignedAndTheRestRefused) {
  AddKey();
  SetKeyQuota(10, 4);
  EXPECT_EQ(SignBatch(100), 4);
  EXPECT_EQ(SignBatch(100), 0);
  rig_.keys.clock.Advance(absl::Seconds(10));
  EXPECT_EQ(SignBatch(3), 3);
}

// Whoever does not slow down is refused late, and as often as its calls under way allow.
TEST_F(QuotaServiceTest, AFloodIsRefusedLate) {
  AddKey();
  SetQuota(fakes::kTenant, 2, 3);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Sign().ok());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ReasonOf(Sign()), "QUOTA_EXCEEDED");
  EXPECT_TRUE(rig_.timers.delays().empty());
  EXPECT_EQ(ReasonOf(Sign()), "QUOTA_EXCEEDED");
  EXPECT_EQ(rig_.timers.delays(), std::vector{kMinRefusalHold});
  // Others, and those who wait, are not held up.
  rig_.keys.clock.Advance(absl::Seconds(10));
  EXPECT_TRUE(Sign().ok());
  EXPECT_EQ(rig_.timers.delays().size(), 1U);
}

TEST_F(QuotaServiceTest, ABatchOfRefusalsIsLateAndOneWithASignatureIsNot) {
  AddKey();
  SetKeyQuota(10, 4);
  EXPECT_EQ(SignBatch(100), 4);
  EXPECT_TRUE(rig_.timers.delays().empty());
  EXPECT_EQ(SignBatch(100), 0);
  EXPECT_EQ(rig_.timers.delays(), std::vector{kMinRefusalHold});
}

}  // namespace
}  // namespace sealward::api
