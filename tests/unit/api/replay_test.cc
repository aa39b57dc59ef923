// Calls with a request_id, over gRPC. If these break, a pipeline that asks again because
// it lost an answer does things twice, or reads what it may not read any more.
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/api/api_rig.h"

namespace sealward::api {
namespace {

using Tenants = v1::TenantService;
using Keys = v1::KeyService;
using Bindings = v1::RoleBindingService;

class ReplayTest : public testing::Test {
 protected:
  grpc::Status CreateTenant(const std::string& who, const std::string& id,
                            const std::string& request_id, bool validate_only = false) {
    v1::CreateTenantRequest request;
    request.set_tenant_id(id);
    request.set_request_id(request_id);
    request.set_validate_only(validate_only);
    return rig_.Call<Tenants>(who, &Tenants::Stub::CreateTenant, request, &tenant_);
  }

  grpc::Status CreateKey(const std::string& who, const std::string& request_id) {
    v1::CreateKeyRequest request;
    request.set_parent(fakes::kTenant);
    request.set_key_id("web");
    request.set_request_id(request_id);
    request.mutable_key()->set_purpose(v1::KEY_PURPOSE_JWT);
    request.mutable_key()->set_algorithm(v1::ALGORITHM_ES256);
    request.mutable_key()->mutable_scope()->set_issuer(fakes::kIssuer);
    request.mutable_key()->mutable_scope()->add_audiences("api");
    return rig_.Call<Keys>(who, &Keys::Stub::CreateKey, request, &key_);
  }

  grpc::Status Rotate(const std::string& request_id) {
    v1::RotateKeyRequest request;
    request.set_name(fakes::kKey);
    request.set_request_id(request_id);
    return rig_.Call<Keys>(kOperator, &Keys::Stub::RotateKey, request, &rotated_);
  }

  size_t Versions() { return rig_.keys.catalog->Get()->keys.at(fakes::kKey)->versions.size(); }

  ApiRig rig_;
  v1::Tenant tenant_;
  v1::Key key_;
  v1::RotateKeyResponse rotated_;
};

TEST_F(ReplayTest, AskedAgainTheFirstAnswerComesAgainAndNothingIsDoneTwice) {
  ASSERT_TRUE(CreateTenant(kAdmin, "new", "run-1").ok());
  const std::string first = tenant_.SerializeAsString();
  const int64_t revision = *rig_.keys.store->Revision();
  const grpc::Status again = CreateTenant(kAdmin, "new", "run-1");
  EXPECT_TRUE(again.ok()) << again.error_message();
  EXPECT_EQ(tenant_.SerializeAsString(), first);
  EXPECT_EQ(*rig_.keys.store->Revision(), revision);
  EXPECT_EQ(ReasonOf(CreateTenant(kAdmin, "new", "run-2")), "ALREADY_EXISTS");
  EXPECT_EQ(ReasonOf(CreateTenant(kAdmin, "new", "")), "ALREADY_EXISTS");
}

TEST_F(ReplayTest, AnotherBodyIsRefused) {
  ASSERT_TRUE(CreateTenant(kAdmin, "new", "run-1").ok());
  const grpc::Status other = CreateTenant(kAdmin, "newer", "run-1");
  EXPECT_EQ(other.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(other), "REQUEST_ID_REUSED");
  EXPECT_FALSE(rig_.keys.catalog->Get()->tenants.contains("tenants/newer"));
  EXPECT_EQ(ReasonOf(CreateTenant(kAdmin, "newer", std::string(65, 'x'))), "REQUEST_ID_INVALID");
}

// A rotation asked for twice is two rotations, unless it is one request.
TEST_F(ReplayTest, ARotationIsAskedForOnce) {
  ASSERT_TRUE(CreateKey(kOperator, "").ok());
  ASSERT_TRUE(Rotate("run-1").ok());
  const std::string first = rotated_.SerializeAsString();
  const size_t versions = Versions();
  rig_.keys.clock.Advance(absl::Hours(12));
  rig_.keys.driver->RunPass();
  const size_t later = Versions();
  ASSERT_TRUE(Rotate("run-1").ok());
  EXPECT_EQ(rotated_.SerializeAsString(), first);
  EXPECT_FALSE(rotated_.already_planned());
  EXPECT_EQ(Versions(), later);
  EXPECT_GE(later, versions);
}

TEST_F(ReplayTest, WhoLostTheRightGetsNoAnswer) {
  rig_.keys.AddBinding("roleBindings/passing", "", PrincipalOf("passing"), v1::ROLE_ADMIN);
  ASSERT_TRUE(CreateTenant("passing", "new", "run-1").ok());
  v1::DeleteRoleBindingRequest request;
  request.set_name("roleBindings/passing");
  v1::DeleteRoleBindingResponse response;
  ASSERT_TRUE(
      rig_.Call<Bindings>(kAdmin, &Bindings::Stub::DeleteRoleBinding, request, &response).ok());
  EXPECT_EQ(CreateTenant("passing", "new", "run-1").error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(ReplayTest, AnIdIsItsCallersOwn) {
  ASSERT_TRUE(CreateTenant(kAdmin, "new", "run-1").ok());
  const int64_t revision = *rig_.keys.store->Revision();
  EXPECT_EQ(CreateTenant(kStranger, "new", "run-1").error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(*rig_.keys.store->Revision(), revision);  // and strangers write nothing
}

TEST_F(ReplayTest, ARehearsalIsNotRemembered) {
  ASSERT_TRUE(CreateTenant(kAdmin, "new", "run-1", true).ok());
  EXPECT_FALSE(rig_.keys.catalog->Get()->tenants.contains("tenants/new"));
  ASSERT_TRUE(CreateTenant(kAdmin, "new", "run-1").ok());
  EXPECT_TRUE(rig_.keys.catalog->Get()->tenants.contains("tenants/new"));
}

// The key is there, its first version could not be generated: the caller asks again.
TEST_F(ReplayTest, AKeyThatWasMadeByHalfIsThisCallsOwn) {
  rig_.keys.partition.LoseAnswersOfGenerate(1);
  ASSERT_FALSE(CreateKey(kOperator, "run-1").ok());
  ASSERT_TRUE(rig_.keys.catalog->Get()->keys.contains(fakes::kKey));
  EXPECT_EQ(ReasonOf(CreateKey(kOperator, "")), "ALREADY_EXISTS");
  const grpc::Status again = CreateKey(kOperator, "run-1");
  EXPECT_TRUE(again.ok()) << again.error_message();
}

// That the HSM refuses its pair does not undo the key.
TEST_F(ReplayTest, AKeyThatTheHsmRefusesIsThisCallsOwn) {
  hsm::v1::Result refused;
  refused.set_code(static_cast<int>(absl::StatusCode::kFailedPrecondition));
  refused.set_ck_rv(0xd1);
  rig_.keys.partition.AnswerNextOf(hsm::v1::Operation::kGenerate, refused);
  ASSERT_EQ(ReasonOf(CreateKey(kOperator, "run-1")), "KEY_REFUSED");
  const grpc::Status again = CreateKey(kOperator, "run-1");
  EXPECT_TRUE(again.ok()) << again.error_message();
  EXPECT_EQ(key_.name(), fakes::kKey);
}

TEST_F(ReplayTest, ATenantThatWasThereBeforeIsNotThisCalls) {
  EXPECT_EQ(ReasonOf(CreateTenant(kAdmin, "a", "run-1")), "ALREADY_EXISTS");
  EXPECT_EQ(ReasonOf(CreateTenant(kAdmin, "a", "run-1")), "ALREADY_EXISTS");
}

}  // namespace
}  // namespace sealward::api
