// Purging what no version owns. If these break, a key pair in use is purged, a purge is never
// finished, or a purged object makes the server refuse its partition at the next start.
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
#include "server/lifecycle/quarantine.h"
#include "tests/unit/driver/quarantine_fixture.h"

namespace sealward::lifecycle {
namespace {

using testing::HasSubstr;

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
