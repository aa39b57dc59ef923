// Foreign keys over gRPC. If these break, a key pair that was revoked comes back by
// this door, two keys share a kid, or one administrator alone makes validators trust
// a key of their own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/publish/cache.h"
#include "tests/unit/api/lifecycle_rig.h"

namespace sealward::api {
namespace {

using Issuers = v1::IssuerService;
using testing::HasSubstr;
using testing::Not;

class ForeignKeyTest : public LifecycleRig {
 protected:
  v1::CreateForeignKeyRequest Request(const std::string& id = "old") {
    v1::CreateForeignKeyRequest request;
    request.set_parent(fakes::kIssuer);
    request.set_foreign_key_id(id);
    v1::PublicJwk& jwk = *request.mutable_foreign_key()->mutable_jwk();
    jwk.set_kty("EC");
    jwk.set_crv("P-256");
    jwk.set_alg("ES256");
    jwk.set_kid(id + "-kid");
    jwk.set_x("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
    jwk.set_y("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    request.mutable_foreign_key()->mutable_expire_time()->set_seconds(
        absl::ToUnixSeconds(rig_.keys.clock.Now() + 10 * kDay));
    return request;
  }
  grpc::Status Create(const v1::CreateForeignKeyRequest& request, const char* who = kAdmin) {
    return rig_.Call<Issuers>(who, &Issuers::Stub::CreateForeignKey, request, &foreign_);
  }
  grpc::Status Delete(const std::string& name) {
    v1::DeleteForeignKeyRequest request;
    request.set_name(name);
    v1::DeleteForeignKeyResponse response;
    return rig_.Call<Issuers>(kAdmin, &Issuers::Stub::DeleteForeignKey, request, &response);
  }
  std::string Jwks() {
    const auto document = documents_.Get(fakes::kIssuer, publish::DocumentKind::kJwks);
    return document.ok() ? (*document)->body : "";
  }

  publish::DocumentCache documents_{[this] { return rig_.keys.catalog->Get(); }, &rig_.keys.clock,
                                    "https://jwks.example"};
  v1::ForeignKey foreign_;
};

TEST_F(ForeignKeyTest, IsPublishedUntilItsEnd) {
  ASSERT_TRUE(Create(Request()).ok());
  EXPECT_EQ(foreign_.jwk().kid(), "old-kid");
  EXPECT_EQ(foreign_.jwk().use(), "sig");
  EXPECT_THAT(Jwks(), HasSubstr("old-kid"));
  rig_.keys.clock.Advance(10 * kDay - absl::Nanoseconds(1));
  EXPECT_THAT(Jwks(), HasSubstr("old-kid"));
  rig_.keys.clock.Advance(absl::Nanoseconds(1));
  EXPECT_THAT(Jwks(), Not(HasSubstr("old-kid"))) << "the document must not outlive it";
}

TEST_F(ForeignKeyTest, IsGoneAtOnceWhenDeleted) {
  ASSERT_TRUE(Create(Request()).ok());
  v1::ListForeignKeysRequest list;
  list.set_parent(fakes::kIssuer);
  v1::ListForeignKeysResponse all;
  ASSERT_TRUE(rig_.Call<Issuers>(kViewer, &Issuers::Stub::ListForeignKeys, list, &all).ok());
  ASSERT_EQ(all.foreign_keys_size(), 1);
  EXPECT_EQ(all.foreign_keys(0).SerializeAsString(), foreign_.SerializeAsString());
  ASSERT_TRUE(Delete(foreign_.name()).ok());
  EXPECT_THAT(Jwks(), Not(HasSubstr("old-kid")));
  EXPECT_EQ(ReasonOf(Delete(foreign_.name())), "NOT_FOUND");
}

TEST_F(ForeignKeyTest, AKidSaysOneThing) {
  ASSERT_TRUE(Create(Request()).ok());
  EXPECT_EQ(ReasonOf(Create(Request())), "ALREADY_EXISTS");
  v1::CreateForeignKeyRequest same_kid = Request("other");
  same_kid.mutable_foreign_key()->mutable_jwk()->set_kid("old-kid");
  EXPECT_EQ(ReasonOf(Create(same_kid)), "ALREADY_EXISTS");
  v1::CreateForeignKeyRequest ours = Request("third");
  ours.mutable_foreign_key()->mutable_jwk()->set_kid(rig_.keys.Key()->versions[0]->jwk.kid());
  EXPECT_EQ(ReasonOf(Create(ours)), "ALREADY_EXISTS");
}

TEST_F(ForeignKeyTest, NothingRevokedComesBackByThisDoor) {
  MakeStandby();
  ASSERT_TRUE(Revoke(Version(1)).ok());
  v1::CreateForeignKeyRequest request = Request();
  *request.mutable_foreign_key()->mutable_jwk() = rig_.keys.Key()->versions[0]->jwk;
  request.mutable_foreign_key()->mutable_jwk()->set_kid("another-name");
  EXPECT_EQ(ReasonOf(Create(request)), "ALREADY_EXISTS");
}

TEST_F(ForeignKeyTest, BadOnesAreRefused) {
  v1::CreateForeignKeyRequest request = Request();
  request.mutable_foreign_key()->mutable_jwk()->clear_y();
  EXPECT_EQ(ReasonOf(Create(request)), "JWK_INVALID");
  request = Request();
  request.mutable_foreign_key()->clear_expire_time();
  EXPECT_EQ(ReasonOf(Create(request)), "FOREIGN_KEY_INVALID");
  request = Request();
  request.mutable_foreign_key()->mutable_expire_time()->set_seconds(
      absl::ToUnixSeconds(rig_.keys.clock.Now() + 401 * kDay));
  EXPECT_EQ(ReasonOf(Create(request)), "FOREIGN_KEY_INVALID");
  request = Request();
  request.set_parent("tenants/a/issuers/none");
  EXPECT_EQ(ReasonOf(Create(request)), "NOT_FOUND");
  EXPECT_EQ(ReasonOf(Create(Request(), kTenantOperator)), "PERMISSION_DENIED");
}

TEST_F(ForeignKeyTest, TheJwksHasAnEnd) {
  grpc::Status status;
  int made = 0;
  for (; made < 30; ++made) {
    status = Create(Request(absl::StrCat("k", made)));
    if (!status.ok()) break;
  }
  EXPECT_EQ(made, 17) << "twenty, less three of its own";
  EXPECT_EQ(ReasonOf(status), "JWKS_FULL");
}

// Somebody caches this set from now on: the first version must wait like any other.
TEST_F(ForeignKeyTest, AFirstForeignKeyEndsTheFreeStart) {
  rig_.keys.AddIssuer("tenants/a/issuers/new");
  v1::CreateForeignKeyRequest request = Request();
  request.set_parent("tenants/a/issuers/new");
  ASSERT_TRUE(Create(request).ok());
  ASSERT_TRUE(rig_.keys.manager
                  ->CreateKey(fakes::KeyRig::NewKey("tenants/a/keys/new", "tenants/a/issuers/new"),
                              absl::InfiniteFuture())
                  .ok());
  EXPECT_EQ(rig_.keys.States("tenants/a/keys/new"), "STAGED");
}

}  // namespace
}  // namespace sealward::api
