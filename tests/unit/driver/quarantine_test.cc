// Objects that no version owns. If these break, a revoked or destroyed key comes back by
// adoption, a key pair in use is purged, a purge is never finished, or a purged object
// makes the server refuse its partition at the next start.
#include "server/lifecycle/quarantine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/catalog/layout.h"
#include "server/catalog/operations_mutations.h"
#include "server/catalog/operations_records.h"
#include "server/catalog/records.h"
#include "server/lifecycle/partition_objects.h"
#include "tests/fakes/key_rig.h"

namespace sealward::lifecycle {
namespace {

using fakes::KeyRig;
using fakes::kKey;
using hsm::v1::Mark;
using testing::HasSubstr;

constexpr char kShared[] = "default";
constexpr absl::Duration kDay = absl::Hours(24);
constexpr auto kNoMore = [](store::Transaction&) {};

class QuarantineTest : public testing::Test {
 protected:
  QuarantineTest() {
    rig_.AddTenantAndIssuer();
    EXPECT_TRUE(rig_.manager->CreateKey(KeyRig::NewKey(), absl::InfiniteFuture()).ok());
    rig_.partition.AddObject(kStray, kKey);
  }

  QuarantinePage List(size_t limit = 100, const std::string& after = "") {
    const auto page = rig_.quarantine->List(kShared, after, limit, absl::InfiniteFuture());
    EXPECT_TRUE(page.ok()) << page.status();
    return page.ok() ? *page : QuarantinePage();
  }
  absl::StatusOr<Quarantined> Get(const std::string& id = kStray) {
    return rig_.quarantine->Get({kShared, absl::BytesToHexString(id)}, absl::InfiniteFuture());
  }
  // Why it cannot be adopted; empty if it can.
  std::string Why(const std::string& id = kStray) {
    const auto object = Get(id);
    if (!object.ok()) return object.status().ToString();
    if (object->adoptable.ok()) return "";
    EXPECT_EQ(ErrorReason(object->adoptable), "NOT_ADOPTABLE");
    return std::string(object->adoptable.message());
  }
  absl::StatusOr<int64_t> Adopt(const Quarantined& seen) {
    return rig_.quarantine->Adopt(seen, absl::InfiniteFuture(), kNoMore);
  }
  absl::Status Purge(const std::string& id = kStray) {
    const auto object = Get(id);
    if (!object.ok()) return object.status();
    return rig_.quarantine->Purge(*object, "spiffe://test/admin", kNoMore).status();
  }
  void LeaveMark(const std::string& id, const std::string& key, Mark::Kind kind) {
    hsm::v1::Operation operation;
    hsm::v1::ObjectRef ref;
    ref.set_object_id(id);
    ref.set_key(key);
    ref.set_purpose(hsm::v1::OBJECT_PURPOSE_JWT);
    if (kind == Mark::KIND_REVOKED) {
      *operation.mutable_revoke()->mutable_object() = ref;
      operation.mutable_revoke()->set_revoke_time_us(absl::ToUnixMicros(rig_.clock.Now()));
    } else {
      *operation.mutable_schedule_destroy()->mutable_object() = ref;
      operation.mutable_schedule_destroy()->set_destroy_time_us(
          absl::ToUnixMicros(rig_.clock.Now() + 30 * kDay));
    }
    const auto result = rig_.partition.Call(operation, absl::InfiniteFuture());
    ASSERT_TRUE(result.ok() && result->code() == 0) << result->message();
  }
  void Pass() {
    for (int i = 0; i < 4; ++i) rig_.driver->RunPass();
  }
  std::shared_ptr<const catalog::QuarantinedObject> Record(const std::string& id = kStray) {
    const auto snapshot = rig_.catalog->Get();
    const auto found = snapshot->quarantine.find(
        QuarantinedObjectName{kShared, absl::BytesToHexString(id)}.ToString());
    return found == snapshot->quarantine.end() ? nullptr : found->second;
  }

  inline static const std::string kStray = std::string(kObjectIdBytes, 'q');
  KeyRig rig_;
};

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

TEST_F(QuarantineTest, APurgeIsMarkedWaitsAndIsDone) {
  ASSERT_TRUE(Purge().ok());
  const absl::Time due = rig_.clock.Now() + kPurgeWindow;
  ASSERT_NE(Record(), nullptr);
  EXPECT_EQ(Record()->destroy_due, due);
  EXPECT_EQ(Record()->purger, "spiffe://test/admin");
  EXPECT_EQ(Get()->destroy_due, due);
  EXPECT_THAT(Why(), HasSubstr("to be destroyed"));
  Pass();
  ASSERT_TRUE(Record()->destroy_marked);
  EXPECT_EQ(rig_.partition.mark(kStray)->kind(), Mark::KIND_DESTROY_SCHEDULED);
  rig_.clock.Advance(kPurgeWindow - absl::Microseconds(1));
  Pass();
  EXPECT_TRUE(rig_.partition.has_object(kStray));
  rig_.clock.Advance(absl::Microseconds(1));
  Pass();
  EXPECT_FALSE(rig_.partition.has_object(kStray));
  EXPECT_EQ(rig_.partition.mark(kStray)->kind(), Mark::KIND_DESTROYED);
  EXPECT_THAT(rig_.partition.forgotten(), testing::Contains(kStray));
  EXPECT_EQ(Record(), nullptr);
  EXPECT_TRUE(rig_.partition.has_object(rig_.Key()->versions[0]->object_id));
  // The tombstone that it leaves names a key. No newer store is behind it.
  rig_.Restart();
  EXPECT_TRUE(rig_.epochs->CheckUsable(rig_.partition).ok());
}

TEST_F(QuarantineTest, APurgeGoesOnAfterLostAnswersAndOutages) {
  ASSERT_TRUE(Purge().ok());
  rig_.partition.LoseAnswersOf(hsm::v1::Operation::kScheduleDestroy, 1);
  rig_.driver->RunPass();
  EXPECT_FALSE(Record()->destroy_marked);
  rig_.clock.Advance(kFirstRetryDelay);
  rig_.Restart();
  Pass();
  EXPECT_TRUE(Record()->destroy_marked);
  rig_.clock.Advance(kPurgeWindow);
  rig_.partition.SetAvailable(false);
  Pass();
  EXPECT_TRUE(Record() != nullptr);
  rig_.partition.SetAvailable(true);
  rig_.partition.InterruptNextDestroy();
  rig_.clock.Advance(kLastRetryDelay);
  rig_.driver->RunPass();
  EXPECT_TRUE(rig_.partition.has_object(kStray));
  rig_.clock.Advance(kLastRetryDelay);
  Pass();
  EXPECT_FALSE(rig_.partition.has_object(kStray));
  EXPECT_EQ(Record(), nullptr);
}

// A mark that comes so late that the window does not fit any more.
TEST_F(QuarantineTest, APurgeIsPutOffWhereTheWindowIsTooShort) {
  ASSERT_TRUE(Purge().ok());
  const absl::Time due = Record()->destroy_due;
  rig_.partition.SetAvailable(false);
  rig_.clock.Advance(kPurgeWindow - absl::Hours(1));
  Pass();
  rig_.partition.SetAvailable(true);
  rig_.clock.Advance(kLastRetryDelay);
  Pass();
  EXPECT_TRUE(Record()->destroy_marked);
  EXPECT_GE(Record()->destroy_due, rig_.clock.Now() + fakes::kLeastDestroyWindow);
  rig_.clock.Advance(due - rig_.clock.Now());
  Pass();
  EXPECT_TRUE(rig_.partition.has_object(kStray));
}

TEST_F(QuarantineTest, AMarkThatIsGoneBeginsTheWindowAgain) {
  ASSERT_TRUE(Purge().ok());
  Pass();
  hsm::v1::Operation cancel;
  cancel.mutable_cancel_destroy()->mutable_object()->set_object_id(kStray);
  cancel.mutable_cancel_destroy()->mutable_object()->set_key(kKey);
  cancel.mutable_cancel_destroy()->mutable_object()->set_purpose(hsm::v1::OBJECT_PURPOSE_JWT);
  ASSERT_TRUE(rig_.partition.Call(cancel, absl::InfiniteFuture()).ok());
  rig_.clock.Advance(kPurgeWindow);
  Pass();
  EXPECT_TRUE(rig_.partition.has_object(kStray));
  ASSERT_NE(Record(), nullptr);
  EXPECT_GT(Record()->destroy_due, rig_.clock.Now());
}

TEST_F(QuarantineTest, APassDestroysAFew) {
  for (char c = 'A'; c < 'A' + 10; ++c) {
    rig_.partition.AddObject(std::string(kObjectIdBytes, c), "tenants/a/keys/gone");
    ASSERT_TRUE(Purge(std::string(kObjectIdBytes, c)).ok());
  }
  const absl::Time wake = rig_.driver->RunPass();
  EXPECT_EQ(rig_.partition.requests(hsm::v1::Operation::kScheduleDestroy),
            static_cast<int>(kMaxPurgesPerPass));
  EXPECT_LE(wake, rig_.clock.Now());
  Pass();
  EXPECT_EQ(rig_.partition.requests(hsm::v1::Operation::kScheduleDestroy), 10);
}

// One whose label is not what was recorded keeps no other from its end.
TEST_F(QuarantineTest, OneThatFailsDoesNotStandInTheWay) {
  ASSERT_TRUE(Purge().ok());
  rig_.partition.AddObject(kStray, "tenants/a/keys/other");
  const std::string other(kObjectIdBytes, 'z');
  rig_.partition.AddObject(other, "tenants/a/keys/gone");
  ASSERT_TRUE(Purge(other).ok());
  Pass();
  EXPECT_FALSE(Record()->destroy_marked);
  EXPECT_TRUE(Record(other)->destroy_marked);
}

TEST_F(QuarantineTest, PurgesAndOwnersExcludeEachOther) {
  const auto seen = Get();
  // Adopted after the purge was decided.
  EXPECT_TRUE(absl::IsAborted(
      rig_.quarantine
          ->Purge(*seen, "p", [&](store::Transaction&) { EXPECT_TRUE(Adopt(*seen).ok()); })
          .status()));
  EXPECT_EQ(Record(), nullptr);
  // Purged after the adoption was decided.
  const std::string other(kObjectIdBytes, 'z');
  rig_.partition.AddObject(other, kKey);
  const auto next = Get(other);
  const auto adopted = rig_.quarantine->Adopt(
      *next, absl::InfiniteFuture(), [&](store::Transaction&) { EXPECT_TRUE(Purge(other).ok()); });
  EXPECT_TRUE(absl::IsAborted(adopted.status())) << adopted.status();
  EXPECT_EQ(rig_.States(), "ACTIVE STAGED");
  // And should both be there all the same, the key stays.
  catalog::QuarantinedObject wrong = *Record(other);
  wrong.name = absl::StrCat("partitions/default/quarantinedObjects/",
                            absl::BytesToHexString(rig_.Key()->versions[0]->object_id));
  wrong.mod_revision = 0;
  store::Transaction transaction;
  catalog::PutQuarantinedObject(wrong, transaction);
  rig_.Commit(transaction);
  Pass();
  EXPECT_FALSE(rig_.partition.mark(rig_.Key()->versions[0]->object_id).has_value());
  EXPECT_EQ(Record(rig_.Key()->versions[0]->object_id), nullptr);
}

TEST_F(QuarantineTest, ThereIsAnEndToPurges) {
  store::Transaction transaction;
  catalog::QuarantinedObject purge;
  purge.schedule_time = purge.destroy_due = rig_.clock.Now() + kDay;
  for (size_t i = 0; i < kMaxPurges; ++i) {
    purge.name = absl::StrCat("partitions/vault-b/quarantinedObjects/",
                              absl::Hex(i, absl::kZeroPad16), "0000000000000000");
    catalog::PutQuarantinedObject(purge, transaction);
    if (transaction.operations.size() < 50) continue;
    rig_.Commit(transaction);
    transaction = {};
  }
  if (!transaction.operations.empty()) rig_.Commit(transaction);
  EXPECT_EQ(ErrorReason(Purge()), "TOO_MANY_PURGES");
}

TEST_F(QuarantineTest, AnHsmWithoutMarksDestroysNothing) {
  rig_.partition.SetHasMarks(false);
  EXPECT_EQ(ErrorReason(Purge()), "HSM_CANNOT_DESTROY");
}

}  // namespace
}  // namespace sealward::lifecycle
