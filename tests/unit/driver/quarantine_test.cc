// Objects that no version owns. If these break, a revoked or destroyed key comes back by
// adoption.
#include "server/lifecycle/quarantine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/catalog/issuer_mutations.h"
#include "server/catalog/layout.h"
#include "server/catalog/operations_mutations.h"
#include "server/catalog/operations_records.h"
#include "server/catalog/records.h"
#include "server/lifecycle/partition_objects.h"
#include "tests/unit/driver/quarantine_fixture.h"

namespace sealward::lifecycle {
namespace {

using fakes::KeyRig;
using testing::HasSubstr;

TEST_F(QuarantineTest, ListsWhatNoVersionOwnsInPages) {
  const std::string other(kObjectIdBytes, 'z');
  rig_.partition.AddObject(other, "tenants/a/keys/gone");
  rig_.partition.AddUnattributable(std::string(kObjectIdBytes, 'a'));
  const QuarantinePage all = List();
  ASSERT_EQ(all.objects.size(), 2U);
  EXPECT_EQ(all.objects[0].object_id, kStray);
  EXPECT_EQ(all.objects[0].name,
            absl::StrCat("partitions/default/quarantinedObjects/", absl::BytesToHexString(kStray)));
  EXPECT_EQ(all.objects[0].key, kKey);
  EXPECT_EQ(all.objects[0].jwk.kid().size(), 43U);
  EXPECT_TRUE(all.objects[0].adoptable.ok()) << all.objects[0].adoptable;
  EXPECT_FALSE(all.objects[1].adoptable.ok());
  EXPECT_EQ(all.next, "");
  EXPECT_EQ(all.unattributable, 1U);
  const QuarantinePage first = List(1);
  ASSERT_EQ(first.objects.size(), 1U);
  EXPECT_EQ(first.next, kStray);
  const QuarantinePage second = List(1, first.next);
  ASSERT_EQ(second.objects.size(), 1U);
  EXPECT_EQ(second.objects[0].object_id, other);
  EXPECT_EQ(second.next, "");
}

TEST_F(QuarantineTest, AVersionsObjectIsNotInIt) {
  EXPECT_TRUE(absl::IsNotFound(Get(rig_.Key()->versions[0]->object_id).status()));
  EXPECT_TRUE(absl::IsNotFound(Get(std::string(kObjectIdBytes, '\0')).status()));
  EXPECT_TRUE(
      absl::IsNotFound(rig_.quarantine->List("none", "", 1, absl::InfiniteFuture()).status()));
  // Nor one that is on its way, whose answer was lost.
  rig_.partition.LoseAnswersOfGenerate(1);
  rig_.driver->RunPass();
  EXPECT_EQ(rig_.partition.object_count(), 3U);
  EXPECT_EQ(List().objects.size(), 1U);
}

// Objects of purpose RAW, beside the JWT key's.
class RawQuarantineTest : public QuarantineTest {
 protected:
  static constexpr char kRawKey[] = "tenants/a/keys/raw";
  static constexpr char kRawStray[] = "raw-stray-object";

  RawQuarantineTest() {
    NewKey raw;
    raw.name = kRawKey;
    raw.purpose = v1::KEY_PURPOSE_RAW;
    raw.max_jwt_lifetime = absl::Hours(1);
    raw.algorithm = FindAlgorithm(v1::ALGORITHM_ES256);
    EXPECT_TRUE(rig_.manager->CreateKey(raw, absl::InfiniteFuture()).ok());
    rig_.partition.AddObject(kRawStray, kRawKey, hsm::v1::OBJECT_PURPOSE_RAW);
  }
};

TEST_F(RawQuarantineTest, IsAdoptedByItsRawKey) {
  EXPECT_EQ(Why(kRawStray), "");
  const auto seen = Get(kRawStray);
  ASSERT_TRUE(seen.ok()) << seen.status();
  ASSERT_TRUE(Adopt(*seen).ok());
  EXPECT_EQ(rig_.Key(kRawKey)->versions.back()->object_id, kRawStray);
}

// A key that signs any bytes must not begin to sign JWTs, nor the other way round.
TEST_F(RawQuarantineTest, AnotherPurposeIsNotAdopted) {
  rig_.partition.AddObject("raw-of-jwt-key--", kKey, hsm::v1::OBJECT_PURPOSE_RAW);
  rig_.partition.AddObject("jwt-of-raw-key--", kRawKey, hsm::v1::OBJECT_PURPOSE_JWT);
  EXPECT_THAT(Why("raw-of-jwt-key--"), HasSubstr("another purpose"));
  EXPECT_THAT(Why("jwt-of-raw-key--"), HasSubstr("another purpose"));
}

// Else a JWKS would have a key that signs any bytes.
TEST_F(RawQuarantineTest, APairThatSomeJwksHasAsAForeignKeyIsNotAdopted) {
  const auto seen = Get(kRawStray);
  ASSERT_TRUE(seen.ok()) << seen.status();
  catalog::ForeignKey foreign;
  foreign.name = absl::StrCat(fakes::kIssuer, "/foreignKeys/old");
  foreign.jwk = seen->jwk;
  foreign.jwk.set_kid("old");
  foreign.create_time = rig_.clock.Now();
  foreign.expire_time = rig_.clock.Now() + kDay;
  rig_.Commit(catalog::CreateForeignKey(*rig_.catalog->Get()->issuers.at(fakes::kIssuer), foreign));
  EXPECT_THAT(Why(kRawStray), HasSubstr("foreign key"));
}

// The partition compares the purpose with the label before it destroys.
TEST_F(RawQuarantineTest, IsPurgedWithItsOwnPurpose) {
  ASSERT_TRUE(Purge(kRawStray).ok());
  const auto record = rig_.catalog->Get()->quarantine.begin()->second;
  EXPECT_TRUE(record->raw);
  const auto again = catalog::ParseQuarantinedObject(
      {"k", catalog::SerializeQuarantinedObject(*record), 1}, record->name);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->raw);
}

TEST_F(QuarantineTest, IdsAreLookedUpFromTheOneBefore) {
  using namespace std::string_literals;
  EXPECT_EQ(IdBefore("\x01\x00"s), "\x00\xff"s);
  EXPECT_EQ(IdBefore("ab"s), "aa"s);
  EXPECT_EQ(IdBefore("\x00\x00"s), ""s);
}

TEST_F(QuarantineTest, AnAdoptedObjectIsTheNextVersionAndWaitsForTheCaches) {
  const auto seen = Get();
  ASSERT_TRUE(seen.ok()) << seen.status();
  const auto number = Adopt(*seen);
  ASSERT_TRUE(number.ok()) << number.status();
  EXPECT_EQ(*number, 2);
  EXPECT_EQ(rig_.States(), "ACTIVE STAGED");
  const auto key = rig_.Key();
  EXPECT_EQ(key->last_version, 2);
  EXPECT_EQ(key->versions[1]->object_id, kStray);
  EXPECT_EQ(key->versions[1]->jwk.kid(), seen->jwk.kid());
  EXPECT_EQ(key->versions[1]->times.publish, rig_.clock.Now());
  EXPECT_EQ(key->versions[1]->times.standby, rig_.clock.Now() + fakes::kPropagation);
  EXPECT_EQ(rig_.partition.requests(hsm::v1::Operation::kGetPublicKey), 1) << "read anew";
  EXPECT_EQ(rig_.partition.epoch().revision(), key->mod_revision);
  EXPECT_TRUE(List().objects.empty());
  EXPECT_TRUE(absl::IsFailedPrecondition(Adopt(*seen).status())) << "it is a version's now";
  // It takes over as any successor.
  rig_.clock.Advance(fakes::kPropagation);
  ASSERT_TRUE(
      rig_.manager->RotateKey(
                      kKey, [](const catalog::Key&) { return true; }, absl::InfiniteFuture())
          .ok());
  EXPECT_EQ(rig_.States().substr(0, 18), "VERIFY_ONLY ACTIVE");
  rig_.Restart();
  EXPECT_TRUE(rig_.epochs->CheckUsable(rig_.partition).ok());
}

TEST_F(QuarantineTest, WhatIsRevokedOrToBeDestroyedIsNeverAdopted) {
  LeaveMark(kStray, kKey, Mark::KIND_REVOKED);
  EXPECT_THAT(Why(), HasSubstr("revoked"));
  const std::string other(kObjectIdBytes, 'y');
  rig_.partition.AddObject(other, kKey);
  EXPECT_EQ(Why(other), "") << "somebody else's mark";
  LeaveMark(other, kKey, Mark::KIND_DESTROY_SCHEDULED);
  EXPECT_THAT(Why(other), HasSubstr("to be"));
}

// A mark that comes after somebody looked, and before they adopt.
TEST_F(QuarantineTest, ItIsJudgedAnewWhenItIsAdopted) {
  const auto seen = Get();
  LeaveMark(kStray, kKey, Mark::KIND_REVOKED);
  EXPECT_EQ(ErrorReason(Adopt(*seen).status()), "NOT_ADOPTABLE");
  EXPECT_EQ(rig_.States(), "ACTIVE");
}

TEST_F(QuarantineTest, AnotherKeyPairUnderTheIdIsNotAdopted) {
  const auto seen = Get();
  rig_.partition.ReplaceKeyPair(kStray);
  EXPECT_EQ(ErrorReason(Adopt(*seen).status()), "NOT_ADOPTABLE");
  EXPECT_EQ(rig_.States(), "ACTIVE");
}

TEST_F(QuarantineTest, OnlyToTheKeyInItsLabelInThisPartition) {
  rig_.AddTenant("tenants/b", fakes::kOwnPartition);
  rig_.AddIssuer("tenants/b/issuers/main");
  ASSERT_TRUE(rig_.manager
                  ->CreateKey(KeyRig::NewKey("tenants/b/keys/web", "tenants/b/issuers/main"),
                              absl::InfiniteFuture())
                  .ok());
  const std::string other(kObjectIdBytes, 'y');
  rig_.partition.AddObject(other, "tenants/b/keys/web");
  EXPECT_THAT(Why(other), HasSubstr("does not exist in this partition"));
  const std::string nobody(kObjectIdBytes, 'x');
  rig_.partition.AddObject(nobody, "tenants/a/keys/none");
  EXPECT_THAT(Why(nobody), HasSubstr("does not exist in this partition"));
}

TEST_F(QuarantineTest, NotWhereItWouldNotFit) {
  rig_.partition.SetHasMarks(false);
  EXPECT_THAT(Why(), HasSubstr("cannot say"));
  rig_.partition.SetHasMarks(true);
  // What signs fills the JWKS already.
  const catalog::Issuer& seen = *rig_.Key()->issuer;
  catalog::Issuer full = seen;
  full.max_jwks_keys = 1;
  store::Transaction transaction;
  transaction.operations.push_back(
      {catalog::IssuerRecordKey(full.name), catalog::SerializeIssuer(full)});
  rig_.Commit(transaction);
  EXPECT_THAT(Why(), HasSubstr("full"));
}

TEST_F(QuarantineTest, NotToAKeyThatHasTurnedToAnotherAlgorithm) {
  catalog::Key next = *rig_.Key();
  next.algorithm = FindAlgorithm(v1::ALGORITHM_RS256_2048);
  rig_.Commit(catalog::UpdateKey(*rig_.Key(), next));
  EXPECT_THAT(Why(), HasSubstr("another algorithm"));
}

TEST_F(QuarantineTest, NotWhereAForeignKeyHasItsKid) {
  catalog::ForeignKey foreign;
  foreign.name = absl::StrCat(fakes::kIssuer, "/foreignKeys/old");
  foreign.jwk = Get()->jwk;
  foreign.create_time = rig_.clock.Now();
  foreign.expire_time = rig_.clock.Now() + kDay;
  store::Transaction transaction;
  transaction.operations.push_back(
      {catalog::ForeignKeyRecordKey(foreign.name), catalog::SerializeForeignKey(foreign)});
  rig_.Commit(transaction);
  EXPECT_THAT(Why(), HasSubstr("foreign key"));
}

// From a backup of the HSM, for example.
TEST_F(QuarantineTest, ADestroyedVersionsPairThatIsBackIsOnlyPurged) {
  const std::string id = rig_.Key()->versions[0]->object_id;
  const auto destroy = [](const catalog::Key& seen, const KeyCourse& course, absl::Time now) {
    std::vector<VersionTimes> times = course.versions;
    times[0].schedule_destroy = times[0].destroy_due = times[0].destroy = now;
    return absl::StatusOr<catalog::Key>(catalog::WithTimes(seen, times));
  };
  ASSERT_TRUE(rig_.manager
                  ->ChangeKey(
                      kKey, [](const catalog::Key&) { return true; }, destroy,
                      absl::InfiniteFuture(), kNoMore)
                  .ok());
  EXPECT_THAT(Why(id), HasSubstr("was a version's"));
  ASSERT_TRUE(Purge(id).ok());
  Pass();
  rig_.clock.Advance(kPurgeWindow);
  Pass();
  EXPECT_FALSE(rig_.partition.has_object(id));
}

TEST_F(QuarantineTest, OneKeyPairHasOneName) {
  const auto seen = Get();
  ASSERT_TRUE(Adopt(*seen).ok());
  Quarantined twin = *seen;  // a copy of the pair under another id
  twin.object_id = std::string(kObjectIdBytes, 'y');
  twin.name = absl::StrCat("partitions/default/quarantinedObjects/",
                           absl::BytesToHexString(twin.object_id));
  const auto adopted = Adopt(twin);
  EXPECT_THAT(std::string(adopted.status().message()), HasSubstr("kid"));
}

TEST_F(QuarantineTest, AnOldStoreNeitherAdoptsNorPurges) {
  const auto seen = Get();
  hsm::v1::Epoch ahead = rig_.partition.epoch();
  ahead.set_revision(ahead.revision() + 100);
  rig_.partition.SetEpoch(ahead);
  rig_.Restart();
  EXPECT_EQ(ErrorReason(Adopt(*seen).status()), "STORE_OLDER_THAN_PARTITION");
  EXPECT_EQ(ErrorReason(Purge()), "STORE_OLDER_THAN_PARTITION");
  EXPECT_THAT(Why(), HasSubstr("cannot be used"));
}

}  // namespace
}  // namespace sealward::lifecycle
