// Destruction and foreign keys under two persons. If these break, one stolen admin
// certificate alone ends a key for ever, or has validators trust a key of its own.
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/api/two_persons_rig.h"

namespace sealward::api {
namespace {

using Issuers = v1::IssuerService;
using Stub = Lifecycle::Stub;

class TwoPersonsTest : public TwoPersonsRig {
 protected:
  void RevokeFirst() {
    MakeStandby();
    ASSERT_TRUE(Revoke(Version(1)).ok());
    AskForTwoPersons();
  }
  grpc::Status Destroy(const char* who, int number = 1) {
    return AskVersion(&Stub::DestroyKeyVersion, number, who);
  }
  bool IsScheduled() {
    return rig_.keys.Key()->versions[0]->times.schedule_destroy != absl::InfiniteFuture();
  }

  v1::CreateForeignKeyRequest ForeignKey(const std::string& x = kX) {
    v1::CreateForeignKeyRequest request;
    request.set_parent(fakes::kIssuer);
    request.set_foreign_key_id("old");
    v1::PublicJwk& jwk = *request.mutable_foreign_key()->mutable_jwk();
    jwk.set_kty("EC");
    jwk.set_crv("P-256");
    jwk.set_alg("ES256");
    jwk.set_kid("old-kid");
    jwk.set_x(x);
    jwk.set_y("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    request.mutable_foreign_key()->mutable_expire_time()->set_seconds(
        absl::ToUnixSeconds(rig_.keys.clock.Now() + 10 * kDay));
    return request;
  }
  grpc::Status Create(const v1::CreateForeignKeyRequest& request, const char* who = kAdmin) {
    v1::ForeignKey made;
    return rig_.Call<Issuers>(who, &Issuers::Stub::CreateForeignKey, request, &made);
  }
  bool HasForeignKey() { return !rig_.keys.catalog->Get()->foreign_keys.empty(); }

  static constexpr char kX[] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
};

TEST_F(TwoPersonsTest, ADestructionWaitsForTheSecondAndIsDoneOnce) {
  RevokeFirst();
  EXPECT_EQ(ReasonOf(Destroy(kAdmin)), "APPROVAL_REQUIRED");
  EXPECT_FALSE(IsScheduled());
  EXPECT_EQ(Only().method(), "sealward.v1.LifecycleService/DestroyKeyVersion");
  EXPECT_EQ(Only().resource(), Version(1));
  EXPECT_EQ(ReasonOf(Approve(kAdmin)), "OWN_REQUEST");
  EXPECT_EQ(ReasonOf(Destroy(kAdmin)), "APPROVAL_REQUIRED");
  ASSERT_TRUE(Approve(kOtherAdmin).ok());
  EXPECT_FALSE(IsScheduled());
  EXPECT_EQ(ReasonOf(Destroy(kOtherAdmin)), "APPROVAL_REQUIRED") << "it is the other's request";
  ASSERT_TRUE(Destroy(kAdmin).ok());
  EXPECT_TRUE(IsScheduled());
  // Used up.
  ASSERT_TRUE(AskVersion(&Stub::CancelDestroyKeyVersion, 1).ok()) << "taking it back needs nobody";
  rig_.keys.clock.Advance(absl::Hours(1));
  EXPECT_EQ(ReasonOf(Destroy(kAdmin)), "APPROVAL_REQUIRED");
  EXPECT_FALSE(IsScheduled());
}

TEST_F(TwoPersonsTest, ATenantsAdminsDestroyTheirOwnOnly) {
  RevokeFirst();
  EXPECT_EQ(ReasonOf(Destroy(kOtherTenantAdmin)), "PERMISSION_DENIED");
  EXPECT_EQ(Waiting(), 0U) << "who may not leaves no request behind";
  EXPECT_EQ(ReasonOf(Destroy(kTenantAdmin)), "APPROVAL_REQUIRED");
  EXPECT_FALSE(Approve(kOtherTenantAdmin).ok());
  EXPECT_FALSE(Approve(kTenantOperator).ok());
  ASSERT_TRUE(Approve(kAdmin).ok());
  ASSERT_TRUE(Destroy(kTenantAdmin).ok());
  EXPECT_TRUE(IsScheduled());
}

TEST_F(TwoPersonsTest, WhatCannotBeDestroyedIsAskedOfNobody) {
  RevokeFirst();
  EXPECT_EQ(ReasonOf(Destroy(kAdmin, 2)), "VERSION_STATE") << "it signs";
  EXPECT_EQ(ReasonOf(Destroy(kAdmin, 9)), "NOT_FOUND");
  v1::DestroyKeyVersionRequest preview;
  preview.set_name(Version(1));
  preview.set_validate_only(true);
  EXPECT_TRUE(Ask(&Stub::DestroyKeyVersion, preview, &version_, kAdmin).ok());
  EXPECT_EQ(Waiting(), 0U);
}

// The approval is of the version as it was, and outlives what happens to its key.
TEST_F(TwoPersonsTest, AnApprovedDestructionHoldsThoughTheKeyRotates) {
  RevokeFirst();
  EXPECT_EQ(ReasonOf(Destroy(kAdmin)), "APPROVAL_REQUIRED");
  ASSERT_TRUE(Approve(kOtherAdmin).ok());
  Pass();
  ASSERT_TRUE(Destroy(kAdmin).ok());
}

TEST_F(TwoPersonsTest, AForeignKeyWaitsForTheSecond) {
  AskForTwoPersons();
  EXPECT_EQ(ReasonOf(Create(ForeignKey())), "APPROVAL_REQUIRED");
  EXPECT_FALSE(HasForeignKey());
  EXPECT_EQ(ReasonOf(Approve(kAdmin)), "OWN_REQUEST");
  ASSERT_TRUE(Approve(kOtherAdmin).ok());
  EXPECT_FALSE(HasForeignKey());
  ASSERT_TRUE(Create(ForeignKey()).ok());
  EXPECT_TRUE(HasForeignKey());
  EXPECT_EQ(Waiting(), 0U);
}

TEST_F(TwoPersonsTest, AnApprovedForeignKeyIsThatOneAlone) {
  AskForTwoPersons();
  EXPECT_EQ(ReasonOf(Create(ForeignKey())), "APPROVAL_REQUIRED");
  ASSERT_TRUE(Approve(kOtherAdmin).ok());
  v1::CreateForeignKeyRequest longer = ForeignKey();
  longer.mutable_foreign_key()->mutable_expire_time()->set_seconds(
      absl::ToUnixSeconds(rig_.keys.clock.Now() + 300 * kDay));
  EXPECT_EQ(ReasonOf(Create(longer)), "APPROVAL_REQUIRED");
  v1::CreateForeignKeyRequest other = ForeignKey();
  other.mutable_foreign_key()->mutable_jwk()->set_kid("another-kid");
  EXPECT_EQ(ReasonOf(Create(other)), "APPROVAL_REQUIRED");
  EXPECT_FALSE(HasForeignKey());
}

TEST_F(TwoPersonsTest, WhoMayNotAddAForeignKeyAsksForNothing) {
  AskForTwoPersons();
  for (const char* who :
       {kOperator, kViewer, kAuditor, kTenantOperator, kOtherTenantAdmin, kStranger}) {
    EXPECT_EQ(ReasonOf(Create(ForeignKey(), who)), "PERMISSION_DENIED") << who;
  }
  EXPECT_EQ(Waiting(), 0U);
}

}  // namespace
}  // namespace sealward::api
