// KeyService over gRPC. If these break, an operator's tools misread or misuse
// keys: a rotation that another operator did not expect, a list without an end.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "tests/unit/api/api_rig.h"

namespace sealward::api {
namespace {

using Keys = v1::KeyService;

v1::CreateKeyRequest KeyRequest(const std::string& id, const std::string& issuer = fakes::kIssuer) {
  v1::CreateKeyRequest request;
  request.set_parent(fakes::kTenant);
  request.set_key_id(id);
  v1::Key& key = *request.mutable_key();
  key.set_purpose(v1::KEY_PURPOSE_JWT);
  key.set_algorithm(v1::ALGORITHM_ES256);
  key.mutable_scope()->set_issuer(issuer);
  key.mutable_scope()->add_audiences("mail");
  return request;
}

class KeyServiceTest : public testing::Test {
 protected:
  grpc::Status Create(const v1::CreateKeyRequest& request, v1::Key* key,
                      const std::string& who = kTenantOperator) {
    return rig_.Call<Keys>(who, &Keys::Stub::CreateKey, request, key);
  }
  v1::Key CreateWeb() {
    v1::Key key;
    const grpc::Status status = Create(KeyRequest("web"), &key);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return key;
  }
  v1::Key Get(const std::string& name = fakes::kKey) {
    v1::GetKeyRequest request;
    request.set_name(name);
    v1::Key key;
    EXPECT_TRUE(rig_.Call<Keys>(kTenantOperator, &Keys::Stub::GetKey, request, &key).ok());
    return key;
  }
  grpc::Status Rotate(const std::string& etag, v1::RotateKeyResponse* response,
                      bool validate_only = false) {
    v1::RotateKeyRequest request;
    request.set_name(fakes::kKey);
    request.set_etag(etag);
    request.set_validate_only(validate_only);
    return rig_.Call<Keys>(kTenantOperator, &Keys::Stub::RotateKey, request, response);
  }

  ApiRig rig_;
};

TEST_F(KeyServiceTest, CreatesAKeyThatSigns) {
  const v1::Key key = CreateWeb();
  EXPECT_EQ(key.name(), fakes::kKey);
  EXPECT_EQ(key.signing_version(), "tenants/a/keys/web/versions/1");
  EXPECT_EQ(key.next_version(), "");
  EXPECT_FALSE(key.has_next_switch_time());
  EXPECT_EQ(key.scope().typs(0), "JWT");
  EXPECT_EQ(key.scope().max_jwt_lifetime().seconds(), 3600);
  EXPECT_EQ(key.etag(), Get().etag());
  rig_.keys.driver->RunPass();
  const v1::Key later = Get();
  EXPECT_NE(later.etag(), key.etag());
  EXPECT_EQ(later.next_version(), "tenants/a/keys/web/versions/2");
  EXPECT_FALSE(later.has_next_switch_time());
}

TEST_F(KeyServiceTest, ValidateOnlyChangesNothing) {
  v1::CreateKeyRequest request = KeyRequest("web");
  request.set_validate_only(true);
  v1::Key key;
  EXPECT_TRUE(Create(request, &key).ok());
  EXPECT_EQ(key.name(), fakes::kKey);
  EXPECT_EQ(key.etag(), "");
  EXPECT_EQ(key.signing_version(), "");
  EXPECT_TRUE(rig_.keys.catalog->Get()->keys.empty());
  EXPECT_EQ(rig_.keys.partition.key_pairs_made(), 0);
  request.mutable_key()->mutable_scope()->clear_audiences();
  EXPECT_EQ(ReasonOf(Create(request, &key)), "SCOPE_INVALID");
}

// What the store keeps is what the sign path enforces; a rule that is lost on the
// way is a wider key.
TEST_F(KeyServiceTest, ClaimRulesComeBackAsTheyWereGiven) {
  v1::CreateKeyRequest request = KeyRequest("web");
  v1::ClaimRules& rules = *request.mutable_key()->mutable_scope()->mutable_claim_rules();
  rules.set_subject_required(true);
  rules.add_subject_prefixes("user:");
  rules.add_subject_prefixes("svc:");
  rules.set_jwt_id_required(true);
  request.set_validate_only(true);
  v1::Key created;
  ASSERT_TRUE(Create(request, &created).ok());
  EXPECT_EQ(created.scope().claim_rules().SerializeAsString(), rules.SerializeAsString());
  request.set_validate_only(false);
  ASSERT_TRUE(Create(request, &created).ok());
  EXPECT_EQ(created.scope().claim_rules().SerializeAsString(), rules.SerializeAsString());
  EXPECT_EQ(Get().scope().claim_rules().SerializeAsString(), rules.SerializeAsString());
  const auto restarted = *catalog::Catalog::Load(rig_.keys.store.get());
  const catalog::ClaimRules& stored = restarted->Get()->keys.at(fakes::kKey)->claim_rules;
  EXPECT_TRUE(stored.subject_required && stored.jwt_id_required);
  EXPECT_EQ(stored.subject_prefixes, (std::vector<std::string>{"user:", "svc:"}));
}

TEST_F(KeyServiceTest, WithoutClaimRulesThereAreNone) {
  EXPECT_FALSE(CreateWeb().scope().has_claim_rules());
}

// An HSM that hangs holds up its own tenants' calls; others' go on, and a stranger
// gets the answer that they always get.
TEST_F(KeyServiceTest, APartitionThatHangsLeavesTheOthersTheirThreads) {
  rig_.keys.AddTenant("tenants/own", fakes::kOwnPartition);
  rig_.keys.AddIssuer("tenants/own/issuers/main", /*shared=*/true);
  const auto own = [](const std::string& id) {
    v1::CreateKeyRequest request = KeyRequest(id, "tenants/own/issuers/main");
    request.set_parent("tenants/own");
    return request;
  };
  rig_.keys.own_partition.BlockGenerate();
  rig_.ChannelOf(kOperator);  // made before threads share it
  std::vector<std::thread> hung;
  hung.reserve(static_cast<size_t>(kThreadsPerLane) + 3);
  for (int i = 0; i < kThreadsPerLane + 3; ++i) {
    hung.emplace_back([this, own, i] {
      v1::Key key;
      EXPECT_TRUE(Create(own(absl::StrCat("k", i)), &key, kOperator).ok());
    });
  }
  rig_.keys.own_partition.AwaitBlockedGenerate();
  CreateWeb();
  v1::Key key;
  EXPECT_EQ(ReasonOf(Create(own("x"), &key, kStranger)),
            ReasonOf(Create(KeyRequest("x"), &key, kStranger)));
  rig_.keys.own_partition.Unblock();
  for (std::thread& thread : hung) thread.join();
}

TEST_F(KeyServiceTest, SaysWhyAKeyCannotBe) {
  CreateWeb();
  v1::Key key;
  EXPECT_EQ(ReasonOf(Create(KeyRequest("web"), &key)), "ALREADY_EXISTS");
  EXPECT_EQ(ReasonOf(Create(KeyRequest("other"), &key)), "ISSUER_NOT_SHARED");
  EXPECT_EQ(ReasonOf(Create(KeyRequest("Bad Id"), &key)), "NAME_INVALID");
  EXPECT_EQ(ReasonOf(Create(KeyRequest("x", "tenants/a/issuers/none"), &key)), "SCOPE_INVALID");
  EXPECT_EQ(ReasonOf(Create(KeyRequest("x", "tenants/b/issuers/none"), &key)), "SCOPE_INVALID");
  v1::CreateKeyRequest nowhere = KeyRequest("x");
  nowhere.set_parent("tenants/none");
  nowhere.mutable_key()->mutable_scope()->set_issuer("tenants/none/issuers/i");
  EXPECT_EQ(ReasonOf(Create(nowhere, &key, kOperator)), "NOT_FOUND");
  nowhere.set_parent("tenants/");
  EXPECT_EQ(ReasonOf(Create(nowhere, &key, kOperator)), "NAME_INVALID");
}

TEST_F(KeyServiceTest, AnAbsentHsmIsUnavailableAndTheKeyIsResumed) {
  rig_.keys.partition.SetAvailable(false);
  v1::Key key;
  const grpc::Status status = Create(KeyRequest("web"), &key);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(status), "HSM_UNAVAILABLE");
  EXPECT_TRUE(HasRetryInfo(status));
  EXPECT_EQ(Get().signing_version(), "");
  rig_.keys.partition.SetAvailable(true);
  rig_.keys.clock.Advance(absl::Seconds(1));
  rig_.keys.driver->RunPass();
  EXPECT_EQ(Get().signing_version(), "tenants/a/keys/web/versions/1");
}

TEST_F(KeyServiceTest, RotatesWithTheRightEtagOnly) {
  const v1::Key created = CreateWeb();
  rig_.keys.driver->RunPass();
  rig_.keys.clock.Advance(fakes::kPropagation);
  v1::RotateKeyResponse response;
  const grpc::Status stale = Rotate(created.etag(), &response);
  EXPECT_EQ(stale.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(ReasonOf(stale), "ETAG_MISMATCH");
  EXPECT_EQ(rig_.keys.States(), "ACTIVE STANDBY");

  v1::RotateKeyResponse preview;
  ASSERT_TRUE(Rotate(Get().etag(), &preview, /*validate_only=*/true).ok());
  EXPECT_EQ(rig_.keys.States(), "ACTIVE STANDBY");
  ASSERT_TRUE(Rotate(Get().etag(), &response).ok());
  EXPECT_EQ(rig_.keys.States(), "VERIFY_ONLY ACTIVE");
  EXPECT_EQ(response.successor().name(), "tenants/a/keys/web/versions/2");
  EXPECT_EQ(response.predecessor().state(), v1::KeyVersion::VERIFY_ONLY);
  EXPECT_EQ(response.switch_time().seconds(), preview.switch_time().seconds());
  EXPECT_EQ(response.key().signing_version(), response.successor().name());
  EXPECT_EQ(response.key().etag(), Get().etag());
}

TEST_F(KeyServiceTest, APlannedSwitchIsAnsweredAgain) {
  CreateWeb();
  v1::RotateKeyResponse first;
  v1::RotateKeyResponse second;
  ASSERT_TRUE(Rotate("", &first).ok());
  EXPECT_FALSE(first.already_planned());
  EXPECT_EQ(first.key().next_version(), "tenants/a/keys/web/versions/2");
  EXPECT_EQ(first.key().next_switch_time().seconds(), first.switch_time().seconds());
  ASSERT_TRUE(Rotate("", &second).ok());
  EXPECT_TRUE(second.already_planned());
  EXPECT_EQ(second.switch_time().seconds(), first.switch_time().seconds());
  EXPECT_EQ(rig_.keys.Key()->versions.size(), 2U);
}

TEST_F(KeyServiceTest, ReadsVersionsNewestFirst) {
  CreateWeb();
  for (int i = 0; i < 3; ++i) {
    rig_.keys.driver->RunPass();
    rig_.keys.clock.Advance(fakes::kPropagation);
    v1::RotateKeyResponse response;
    ASSERT_TRUE(Rotate("", &response).ok());
  }
  v1::ListKeyVersionsRequest request;
  request.set_parent(fakes::kKey);
  request.set_page_size(3);
  v1::ListKeyVersionsResponse page;
  ASSERT_TRUE(rig_.Call<Keys>(kTenantOperator, &Keys::Stub::ListKeyVersions, request, &page).ok());
  ASSERT_EQ(page.key_versions_size(), 3);
  EXPECT_EQ(page.key_versions(0).name(), "tenants/a/keys/web/versions/4");
  EXPECT_EQ(page.key_versions(0).state(), v1::KeyVersion::ACTIVE);
  EXPECT_EQ(page.key_versions(0).kid(), page.key_versions(0).jwk().kid());
  request.set_page_token(page.next_page_token());
  ASSERT_TRUE(rig_.Call<Keys>(kTenantOperator, &Keys::Stub::ListKeyVersions, request, &page).ok());
  ASSERT_EQ(page.key_versions_size(), 1);
  EXPECT_EQ(page.key_versions(0).name(), "tenants/a/keys/web/versions/1");
  EXPECT_EQ(page.next_page_token(), "");

  v1::GetKeyVersionRequest one;
  one.set_name("tenants/a/keys/web/versions/4");
  v1::KeyVersion version;
  ASSERT_TRUE(rig_.Call<Keys>(kViewer, &Keys::Stub::GetKeyVersion, one, &version).ok());
  EXPECT_EQ(version.state(), v1::KeyVersion::ACTIVE);
  one.set_name("tenants/a/keys/web/versions/9");
  EXPECT_EQ(ReasonOf(rig_.Call<Keys>(kViewer, &Keys::Stub::GetKeyVersion, one, &version)),
            "NOT_FOUND");
}

TEST_F(KeyServiceTest, ListsInPagesWithoutGapsOrRepeats) {
  rig_.keys.AddIssuer("tenants/a/issuers/shared", true);
  rig_.keys.AddIssuer("tenants/b/issuers/shared", true);
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(rig_.keys.manager
                    ->CreateKey(fakes::KeyRig::NewKey(absl::StrCat("tenants/a/keys/k", i),
                                                      "tenants/a/issuers/shared"),
                                absl::InfiniteFuture())
                    .ok());
  }
  ASSERT_TRUE(rig_.keys.manager
                  ->CreateKey(fakes::KeyRig::NewKey("tenants/b/keys/k", "tenants/b/issuers/shared"),
                              absl::InfiniteFuture())
                  .ok());
  std::vector<std::string> names;
  v1::ListKeysRequest request;
  request.set_parent(fakes::kTenant);
  request.set_page_size(3);
  v1::ListKeysResponse page;
  do {
    page.Clear();
    ASSERT_TRUE(rig_.Call<Keys>(kTenantOperator, &Keys::Stub::ListKeys, request, &page).ok());
    for (const v1::Key& key : page.keys()) names.push_back(key.name());
    request.set_page_token(page.next_page_token());
  } while (!page.next_page_token().empty());
  EXPECT_EQ(names.size(), 7U);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 7U);
  request.set_page_token("nonsense");
  EXPECT_EQ(ReasonOf(rig_.Call<Keys>(kTenantOperator, &Keys::Stub::ListKeys, request, &page)),
            "PAGE_TOKEN_INVALID");
  request.set_page_token("");
  request.set_page_size(-1);
  EXPECT_EQ(ReasonOf(rig_.Call<Keys>(kTenantOperator, &Keys::Stub::ListKeys, request, &page)),
            "PAGE_SIZE_INVALID");
}

// While the HSM hangs, reads are answered, and a queue that is full says so.
TEST(KeyServiceUnderLoad, AHungHsmTakesNoReads) {
  ApiRig rig(/*executor_threads=*/1, /*queue=*/1);
  rig.keys.AddIssuer("tenants/a/issuers/shared", true);
  rig.keys.partition.BlockGenerate();
  const auto create = [&rig](const std::string& id) {
    v1::Key key;
    return rig.Call<Keys>(kTenantOperator, &Keys::Stub::CreateKey,
                          KeyRequest(id, "tenants/a/issuers/shared"), &key);
  };
  rig.ChannelOf(kTenantOperator);  // made before threads share it
  rig.ChannelOf(kAdmin);
  std::vector<grpc::Status> statuses(3);
  absl::BlockingCounter refusal(1);
  std::thread first([&] { statuses[0] = create("one"); });
  rig.keys.partition.AwaitBlockedGenerate();
  // One of these waits in the queue; the other is refused at once.
  const auto create_or_tell = [&](size_t i, const char* id) {
    statuses[i] = create(id);
    if (!statuses[i].ok()) refusal.DecrementCount();
  };
  std::thread second(create_or_tell, 1, "two");
  std::thread third(create_or_tell, 2, "three");
  v1::ListTenantsResponse tenants;
  EXPECT_TRUE(rig.Call<v1::TenantService>(kAdmin, &v1::TenantService::Stub::ListTenants,
                                          v1::ListTenantsRequest(), &tenants)
                  .ok());
  refusal.Wait();
  rig.keys.partition.Unblock();
  for (std::thread* thread : {&first, &second, &third}) thread->join();
  EXPECT_TRUE(statuses[0].ok());
  const grpc::Status& refused = statuses[1].ok() ? statuses[2] : statuses[1];
  EXPECT_NE(statuses[1].ok(), statuses[2].ok());
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(refused), "TOO_MANY_CALLS");
  EXPECT_TRUE(HasRetryInfo(refused));
}

}  // namespace
}  // namespace sealward::api
