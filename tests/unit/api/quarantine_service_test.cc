// Quarantine over gRPC. If these break, somebody without the right adopts or purges a key
// pair, one person alone does, or an approval covers another key pair than was seen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tests/unit/api/two_persons_rig.h"

namespace sealward::api {
namespace {

using Stub = Lifecycle::Stub;
using testing::HasSubstr;

constexpr char kPartition[] = "partitions/default";

class QuarantineServiceTest : public TwoPersonsRig {
 protected:
  QuarantineServiceTest() { rig_.keys.partition.AddObject(Id('q'), fakes::kKey); }

  static std::string Id(char c) { return std::string(16, c); }
  static std::string Name(char c) {
    return absl::StrCat(kPartition, "/quarantinedObjects/", absl::BytesToHexString(Id(c)));
  }
  grpc::Status List(const char* who = kAdmin, int page_size = 0, const std::string& token = "",
                    const std::string& parent = kPartition) {
    v1::ListQuarantinedObjectsRequest request;
    request.set_parent(parent);
    request.set_page_size(page_size);
    request.set_page_token(token);
    return Ask(&Stub::ListQuarantinedObjects, request, &listed_, who);
  }
  grpc::Status Adopt(const char* who = kAdmin, const std::string& name = Name('q')) {
    v1::AdoptQuarantinedObjectRequest request;
    request.set_name(name);
    return Ask(&Stub::AdoptQuarantinedObject, request, &version_, who);
  }
  grpc::Status Purge(const char* who = kAdmin, const std::string& name = Name('q')) {
    v1::PurgeQuarantinedObjectRequest request;
    request.set_name(name);
    return Ask(&Stub::PurgeQuarantinedObject, request, &purged_, who);
  }
  bool IsPurged() { return rig_.keys.catalog->Get()->quarantine.contains(Name('q')); }

  v1::ListQuarantinedObjectsResponse listed_;
  v1::QuarantinedObject purged_;
};

TEST_F(QuarantineServiceTest, ListsInPagesInNameOrder) {
  rig_.keys.partition.AddObject(Id('z'), "tenants/a/keys/gone");
  rig_.keys.partition.SetUnattributable(3);
  ASSERT_TRUE(List(kAuditor).ok());
  ASSERT_EQ(listed_.quarantined_objects_size(), 2);
  EXPECT_EQ(listed_.quarantined_objects(0).name(), Name('q'));
  EXPECT_EQ(listed_.quarantined_objects(0).key(), fakes::kKey);
  EXPECT_EQ(listed_.quarantined_objects(0).kid().size(), 43U);
  EXPECT_TRUE(listed_.quarantined_objects(0).adoptable());
  EXPECT_FALSE(listed_.quarantined_objects(0).has_destroy_due_time());
  EXPECT_EQ(listed_.quarantined_objects(1).name(), Name('z'));
  EXPECT_FALSE(listed_.quarantined_objects(1).adoptable());
  EXPECT_EQ(listed_.unattributable(), 3);
  EXPECT_EQ(listed_.next_page_token(), "");
  ASSERT_TRUE(List(kAdmin, 1).ok());
  ASSERT_EQ(listed_.quarantined_objects_size(), 1);
  const std::string token = listed_.next_page_token();
  ASSERT_TRUE(List(kAdmin, 1, token).ok());
  ASSERT_EQ(listed_.quarantined_objects_size(), 1);
  EXPECT_EQ(listed_.quarantined_objects(0).name(), Name('z'));
  EXPECT_EQ(listed_.next_page_token(), "");
  EXPECT_EQ(ReasonOf(List(kAdmin, 1, token, "partitions/vault-b")), "PAGE_TOKEN_INVALID");
  EXPECT_EQ(ReasonOf(List(kAdmin, 0, "", "partitions/none")), "NOT_FOUND");
  EXPECT_EQ(ReasonOf(List(kAdmin, 0, "", "tenants/a")), "NAME_INVALID");
}

TEST_F(QuarantineServiceTest, OnlyTheServicesAdminsAndAuditorsSeeIt) {
  for (const char* who : {kOperator, kViewer, kTenantAdmin, kTenantOperator, kStranger}) {
    EXPECT_EQ(ReasonOf(List(who)), "PERMISSION_DENIED") << who;
  }
  EXPECT_EQ(BytesOf(List(kStranger)), BytesOf(List(kStranger, 0, "", "partitions/none")));
}

TEST_F(QuarantineServiceTest, OnlyTheServicesAdminsActOnIt) {
  for (const char* who : {kOperator, kViewer, kAuditor, kTenantAdmin, kTenantOperator, kStranger}) {
    EXPECT_EQ(ReasonOf(Adopt(who)), "PERMISSION_DENIED") << who;
    EXPECT_EQ(ReasonOf(Purge(who)), "PERMISSION_DENIED") << who;
  }
  EXPECT_EQ(rig_.keys.States(), "ACTIVE");
  EXPECT_FALSE(IsPurged());
}

TEST_F(QuarantineServiceTest, AnAdoptedObjectIsAStagedVersion) {
  ASSERT_TRUE(List().ok());
  const std::string kid = listed_.quarantined_objects(0).kid();
  ASSERT_TRUE(Adopt().ok());
  EXPECT_EQ(version_.name(), Version(2));
  EXPECT_EQ(version_.state(), v1::KeyVersion::STAGED);
  EXPECT_EQ(version_.kid(), kid);
  ASSERT_TRUE(List().ok());
  EXPECT_EQ(listed_.quarantined_objects_size(), 0);
  EXPECT_EQ(ReasonOf(Adopt()), "NOT_FOUND") << "a version owns it now";
}

TEST_F(QuarantineServiceTest, APurgedObjectIsDestroyedAfterItsWindow) {
  ASSERT_TRUE(Purge().ok());
  const absl::Time due = rig_.keys.clock.Now() + lifecycle::kPurgeWindow;
  EXPECT_EQ(purged_.destroy_due_time().seconds(), absl::ToUnixSeconds(due));
  EXPECT_FALSE(purged_.adoptable());
  rig_.keys.clock.Advance(absl::Hours(1));
  ASSERT_TRUE(Purge().ok());
  EXPECT_EQ(purged_.destroy_due_time().seconds(), absl::ToUnixSeconds(due)) << "as it was";
  EXPECT_EQ(ReasonOf(Adopt()), "NOT_ADOPTABLE");
  ASSERT_TRUE(List().ok());
  EXPECT_TRUE(listed_.quarantined_objects(0).has_destroy_due_time());
  Pass();
  rig_.keys.clock.Advance(lifecycle::kPurgeWindow);
  Pass();
  EXPECT_FALSE(rig_.keys.partition.has_object(Id('q')));
  ASSERT_TRUE(List().ok());
  EXPECT_EQ(listed_.quarantined_objects_size(), 0);
}

TEST_F(QuarantineServiceTest, AdoptionNeedsTheSecondPersonOnce) {
  AskForTwoPersons();
  EXPECT_EQ(ReasonOf(Adopt()), "APPROVAL_REQUIRED");
  EXPECT_EQ(Only().method(), "sealward.v1.LifecycleService/AdoptQuarantinedObject");
  EXPECT_EQ(ReasonOf(Approve(kAdmin)), "OWN_REQUEST");
  EXPECT_FALSE(Approve(kTenantAdmin).ok());
  EXPECT_EQ(rig_.keys.States(), "ACTIVE");
  ASSERT_TRUE(Approve(kOtherAdmin).ok());
  EXPECT_EQ(ReasonOf(Purge()), "APPROVAL_REQUIRED") << "it was for an adoption";
  EXPECT_FALSE(IsPurged());
  ASSERT_TRUE(Adopt().ok());
  EXPECT_EQ(rig_.keys.States(), "ACTIVE STAGED");
  EXPECT_EQ(Waiting(), 1U) << "that of the purge";
}

// What was approved is a key pair, not an id.
TEST_F(QuarantineServiceTest, AnApprovalIsOfTheKeyPairThatWasSeen) {
  AskForTwoPersons();
  EXPECT_EQ(ReasonOf(Adopt()), "APPROVAL_REQUIRED");
  ASSERT_TRUE(Approve(kOtherAdmin).ok());
  rig_.keys.partition.ReplaceKeyPair(Id('q'));
  EXPECT_EQ(ReasonOf(Adopt()), "APPROVAL_REQUIRED");
  EXPECT_EQ(rig_.keys.States(), "ACTIVE");
}

TEST_F(QuarantineServiceTest, APurgeNeedsTheSecondPerson) {
  AskForTwoPersons();
  EXPECT_EQ(ReasonOf(Purge()), "APPROVAL_REQUIRED");
  EXPECT_FALSE(IsPurged());
  ASSERT_TRUE(Approve(kOtherAdmin).ok());
  ASSERT_TRUE(Purge().ok());
  EXPECT_TRUE(IsPurged());
  EXPECT_EQ(Waiting(), 0U) << "used up";
  EXPECT_TRUE(Purge().ok()) << "asked again it changes nothing, and asks nobody";
}

TEST_F(QuarantineServiceTest, WhatCannotBeAdoptedIsAskedOfNobody) {
  AskForTwoPersons();
  rig_.keys.partition.AddObject(Id('z'), "tenants/a/keys/gone");
  const grpc::Status refused = Adopt(kAdmin, Name('z'));
  EXPECT_EQ(ReasonOf(refused), "NOT_ADOPTABLE");
  EXPECT_THAT(refused.error_message(), HasSubstr(Name('z')));
  EXPECT_EQ(ReasonOf(Adopt(kAdmin, Name('y'))), "NOT_FOUND");
  EXPECT_EQ(ReasonOf(Adopt(kAdmin, "partitions/default/quarantinedObjects/xyz")), "NAME_INVALID");
  EXPECT_EQ(Waiting(), 0U);
}

TEST_F(QuarantineServiceTest, AnHsmThatIsAwayIsSaidSo) {
  rig_.keys.partition.SetAvailable(false);
  EXPECT_EQ(ReasonOf(List()), "HSM_UNAVAILABLE");
  EXPECT_EQ(ReasonOf(Adopt()), "HSM_UNAVAILABLE");
  EXPECT_EQ(ReasonOf(Purge()), "HSM_UNAVAILABLE");
}

}  // namespace
}  // namespace sealward::api
