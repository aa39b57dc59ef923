// The epoch: a store that is older than its partition does not sign. If these break,
// a restored backup brings a revoked key back.
#include "server/lifecycle/epochs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/catalog/operations_mutations.h"
#include "tests/fakes/key_rig.h"

namespace sealward::lifecycle {
namespace {

using fakes::KeyRig;
using fakes::kKey;
using hsm::v1::Mark;
using testing::ElementsAre;

constexpr absl::string_view kShared = hsm_client::kSharedPartition;
constexpr auto kAnyKey = [](const catalog::Key&) { return true; };
constexpr auto kNoMore = [](store::Transaction&) {};

class EpochsTest : public testing::Test {
 protected:
  EpochsTest() {
    rig_.AddTenantAndIssuer();
    EXPECT_TRUE(rig_.manager->CreateKey(KeyRig::NewKey(), absl::InfiniteFuture()).ok());
    rig_.driver->RunPass();
  }

  absl::Status Usable() const { return rig_.epochs->CheckUsable(rig_.partition); }
  std::string Path() const { return absl::StrCat(rig_.directory.path(), "/s/sealward.db"); }

  // The store as a backup has it, and back again.
  void Save() {
    rig_.Stop();
    std::filesystem::copy_file(Path(), Path() + ".saved");
    rig_.Boot(store::SqliteStore::Mode::kExisting);
  }
  void RestoreAndRestart() {
    rig_.Stop();  // which leaves one file
    std::filesystem::copy_file(Path() + ".saved", Path(),
                               std::filesystem::copy_options::overwrite_existing);
    rig_.Boot(store::SqliteStore::Mode::kExisting);
  }

  void Mark(const std::string& object_id, const std::string& key, Mark::Kind kind) {
    const int64_t now = absl::ToUnixMicros(rig_.clock.Now());
    hsm::v1::Operation operation;
    if (kind == Mark::KIND_REVOKED) {
      auto& revoke = *operation.mutable_revoke();
      revoke.mutable_object()->set_object_id(object_id);
      revoke.mutable_object()->set_key(key);
      revoke.mutable_object()->set_purpose(hsm::v1::OBJECT_PURPOSE_JWT);
      revoke.set_revoke_time_us(now);
      ASSERT_EQ(rig_.partition.Call(operation, absl::InfiniteFuture())->code(), 0);
      return;
    }
    rig_.partition.SetLeastDestroyWindow(absl::ZeroDuration());
    auto& schedule = *operation.mutable_schedule_destroy();
    schedule.mutable_object()->set_object_id(object_id);
    schedule.mutable_object()->set_key(key);
    if (!key.empty()) schedule.mutable_object()->set_purpose(hsm::v1::OBJECT_PURPOSE_JWT);
    schedule.set_destroy_time_us(now);
    ASSERT_EQ(rig_.partition.Call(operation, absl::InfiniteFuture())->code(), 0);
    const auto object = schedule.object();
    *operation.mutable_destroy()->mutable_object() = object;
    ASSERT_EQ(rig_.partition.Call(operation, absl::InfiniteFuture())->code(), 0);
  }

  KeyRig rig_;
};

TEST_F(EpochsTest, APassNotesTheNewestCommit) {
  EXPECT_EQ(rig_.partition.epoch().lineage(), rig_.catalog->Get()->store_identity.lineage);
  EXPECT_EQ(rig_.partition.epoch().revision(), rig_.Key()->mod_revision);
  const int asked = rig_.partition.requests(hsm::v1::Operation::kAdvanceEpoch);
  rig_.driver->RunPass();
  EXPECT_EQ(rig_.partition.requests(hsm::v1::Operation::kAdvanceEpoch), asked)
      << "nothing was committed";
}

TEST_F(EpochsTest, ARestartOnTheSameStoreSigns) {
  rig_.Restart();
  EXPECT_TRUE(Usable().ok());
  EXPECT_EQ(rig_.epochs->WitnessOf(kShared), Witness::kConfirmed);
}

TEST_F(EpochsTest, AnEpochThatAKillLostIsMadeUpForAtTheNextStart) {
  rig_.partition.AnswerNextOf(hsm::v1::Operation::kAdvanceEpoch, [] {
    hsm::v1::Result lost;
    lost.set_code(static_cast<int>(absl::StatusCode::kUnavailable));
    return lost;
  }());
  rig_.clock.Advance(fakes::kPropagation);
  ASSERT_TRUE(rig_.manager->RotateKey(kKey, kAnyKey, absl::InfiniteFuture()).ok());
  rig_.Restart();
  EXPECT_TRUE(Usable().ok());
  EXPECT_EQ(rig_.partition.epoch().revision(), rig_.Key()->mod_revision);
}

TEST_F(EpochsTest, AnOlderStoreDoesNotSignNorAct) {
  Save();
  rig_.clock.Advance(fakes::kPropagation);
  ASSERT_TRUE(rig_.manager->RotateKey(kKey, kAnyKey, absl::InfiniteFuture()).ok());
  rig_.driver->RunPass();
  RestoreAndRestart();
  EXPECT_EQ(ErrorReason(Usable()), "STORE_OLDER_THAN_PARTITION");
  const int pairs = rig_.partition.key_pairs_made();
  rig_.clock.Advance(absl::Hours(24 * 60));
  rig_.driver->RunPass();
  EXPECT_EQ(rig_.partition.key_pairs_made(), pairs);
  // A restart does not forget it, not even one that cannot ask.
  rig_.partition.SetAvailable(false);
  rig_.Restart();
  EXPECT_EQ(ErrorReason(Usable()), "STORE_OLDER_THAN_PARTITION");
}

TEST_F(EpochsTest, ChangesWhileThePartitionIsAwayDoNotHideAnOlderStore) {
  Save();
  rig_.clock.Advance(fakes::kPropagation);
  ASSERT_TRUE(rig_.manager->RotateKey(kKey, kAnyKey, absl::InfiniteFuture()).ok());
  rig_.driver->RunPass();
  rig_.partition.SetAvailable(false);
  RestoreAndRestart();
  EXPECT_EQ(ErrorReason(Usable()), "HSM_UNAVAILABLE");
  for (int i = 0; i < 20; ++i) {
    catalog::Key next = *rig_.Key();
    next.quota = {i + 1, 1};
    rig_.Commit(catalog::UpdateKey(*rig_.Key(), next));
  }
  rig_.Restart();
  rig_.partition.SetAvailable(true);
  rig_.driver->RunPass();
  EXPECT_EQ(ErrorReason(Usable()), "STORE_OLDER_THAN_PARTITION");
}

TEST_F(EpochsTest, APartitionThatComesLateSignsThen) {
  rig_.partition.SetAvailable(false);
  rig_.Restart();
  EXPECT_EQ(ErrorReason(Usable()), "HSM_UNAVAILABLE");
  rig_.partition.SetAvailable(true);
  rig_.driver->RunPass();
  EXPECT_TRUE(Usable().ok());
  EXPECT_EQ(rig_.catalog->Get()->partitions.at("partitions/default")->known_epoch_revision, 0);
}

TEST_F(EpochsTest, AnotherStoresPartitionDoesNotSign) {
  catalog::StoreIdentity other = rig_.catalog->Get()->store_identity;
  other.lineage = std::string(catalog::kLineageBytes, 'x');
  store::Transaction transaction;
  catalog::PutStoreIdentity(other, transaction);
  rig_.Commit(transaction);
  rig_.Restart();
  EXPECT_EQ(ErrorReason(Usable()), "STORE_OLDER_THAN_PARTITION");
}

TEST_F(EpochsTest, ATombstoneThatTheStoreDoesNotKnowEndsTheVersionAtOnce) {
  Mark(rig_.Key()->versions[0]->object_id, kKey, Mark::KIND_REVOKED);
  rig_.Restart();
  EXPECT_EQ(ErrorReason(Usable()), "STORE_OLDER_THAN_PARTITION");
  EXPECT_THAT(rig_.States(), testing::StartsWith("REVOKED"))
      << "out of the JWKS before anybody decides";
}

TEST_F(EpochsTest, ADestroyedPairThatTheStoreDoesNotKnowIsDestroyed) {
  Mark(rig_.Key()->versions[0]->object_id, kKey, Mark::KIND_DESTROYED);
  rig_.Restart();
  EXPECT_EQ(ErrorReason(Usable()), "STORE_OLDER_THAN_PARTITION");
  EXPECT_THAT(rig_.States(), testing::StartsWith("DESTROYED"));
}

TEST_F(EpochsTest, WhatWasPurgedFromQuarantineProvesNothing) {
  const std::string stray(kObjectIdBytes, 'q');
  rig_.partition.AddObject(stray, "");
  Mark(stray, "", Mark::KIND_DESTROYED);
  rig_.Restart();
  EXPECT_TRUE(Usable().ok());
}

TEST_F(EpochsTest, RecoveryTakesTombstonesOverAndLastsOverARestart) {
  Save();
  const std::string lost(kObjectIdBytes, 'z');  // of a version that only the newer store had
  rig_.partition.AddObject(lost, kKey);
  Mark(rig_.Key()->versions[0]->object_id, kKey, Mark::KIND_REVOKED);
  Mark(lost, kKey, Mark::KIND_REVOKED);
  hsm::v1::Epoch ahead = rig_.partition.epoch();
  ahead.set_revision(ahead.revision() + 100);
  rig_.partition.SetEpoch(ahead);
  RestoreAndRestart();
  ASSERT_FALSE(Usable().ok());
  const std::string version = absl::StrCat(kKey, "/versions/1");
  const auto rehearsed = rig_.epochs->Recover(kShared, true, kNoMore);
  ASSERT_TRUE(rehearsed.ok()) << rehearsed.status();
  EXPECT_THAT(*rehearsed, ElementsAre(version));
  ASSERT_FALSE(Usable().ok()) << "a rehearsal changes nothing";

  const std::string before = rig_.catalog->Get()->store_identity.lineage;
  const auto ended = rig_.epochs->Recover(kShared, false, kNoMore);
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_THAT(*ended, ElementsAre(version));
  EXPECT_TRUE(Usable().ok());
  EXPECT_NE(rig_.catalog->Get()->store_identity.lineage, before);
  EXPECT_EQ(rig_.partition.epoch().lineage(), rig_.catalog->Get()->store_identity.lineage);
  rig_.clock.Advance(absl::Seconds(1));
  rig_.Restart();
  EXPECT_TRUE(Usable().ok());
  EXPECT_THAT(rig_.States(), testing::StartsWith("REVOKED"));
  EXPECT_EQ(ErrorReason(rig_.epochs->Recover(kShared, false, kNoMore).status()), "NOT_ROLLED_BACK");

  // The store that was given up does not sign if it comes back.
  rig_.partition.AddObject(std::string(kObjectIdBytes, 'y'), kKey);
  RestoreAndRestart();
  EXPECT_EQ(ErrorReason(Usable()), "STORE_OLDER_THAN_PARTITION");
}

TEST_F(EpochsTest, AKillInTheMiddleOfARecoveryIsFinishedAtTheNextStart) {
  hsm::v1::Epoch ahead = rig_.partition.epoch();
  ahead.set_revision(ahead.revision() + 100);
  rig_.partition.SetEpoch(ahead);
  rig_.Restart();
  ASSERT_FALSE(Usable().ok());
  hsm::v1::Result lost;
  lost.set_code(static_cast<int>(absl::StatusCode::kUnavailable));
  rig_.partition.AnswerNextOf(hsm::v1::Operation::kAdvanceEpoch, lost);
  ASSERT_TRUE(rig_.epochs->Recover(kShared, false, kNoMore).ok());
  EXPECT_EQ(ErrorReason(Usable()), "HSM_UNAVAILABLE");
  EXPECT_EQ(rig_.partition.epoch().lineage(), ahead.lineage());
  rig_.Restart();
  EXPECT_TRUE(Usable().ok());
  EXPECT_NE(rig_.partition.epoch().lineage(), ahead.lineage());
}

TEST_F(EpochsTest, OtherPartitionsFollowTheNewLineage) {
  rig_.AddTenant("tenants/b", fakes::kOwnPartition);
  rig_.AddIssuer("tenants/b/issuers/main");
  ASSERT_TRUE(rig_.manager
                  ->CreateKey(KeyRig::NewKey("tenants/b/keys/web", "tenants/b/issuers/main"),
                              absl::InfiniteFuture())
                  .ok());
  rig_.drivers->At(fakes::kOwnPartition).RunPass();
  hsm::v1::Epoch ahead = rig_.partition.epoch();
  ahead.set_revision(ahead.revision() + 100);
  rig_.partition.SetEpoch(ahead);
  rig_.Restart();
  ASSERT_TRUE(rig_.epochs->Recover(kShared, false, kNoMore).ok());
  EXPECT_EQ(rig_.own_partition.epoch().lineage(), rig_.catalog->Get()->store_identity.lineage);
  // One that is away follows when it comes.
  rig_.own_partition.SetAvailable(false);
  ahead = rig_.partition.epoch();
  ahead.set_revision(ahead.revision() + 100);
  rig_.partition.SetEpoch(ahead);
  rig_.Restart();
  ASSERT_TRUE(rig_.epochs->Recover(kShared, false, kNoMore).ok());
  rig_.own_partition.SetAvailable(true);
  rig_.Restart();
  EXPECT_TRUE(rig_.epochs->CheckUsable(rig_.own_partition).ok());
  EXPECT_EQ(rig_.own_partition.epoch().lineage(), rig_.catalog->Get()->store_identity.lineage);
}

TEST_F(EpochsTest, AnotherWriterStopsIt) {
  hsm::v1::Epoch ahead = rig_.partition.epoch();
  ahead.set_revision(ahead.revision() + 100);
  rig_.partition.SetEpoch(ahead);  // a second server on a copy of this store
  rig_.clock.Advance(fakes::kPropagation);
  ASSERT_TRUE(rig_.manager->RotateKey(kKey, kAnyKey, absl::InfiniteFuture()).ok());
  rig_.driver->RunPass();
  rig_.driver->RunPass();
  EXPECT_EQ(ErrorReason(Usable()), "STORE_OLDER_THAN_PARTITION");
}

TEST_F(EpochsTest, AnHsmWithoutMarksIsNoWitness) {
  rig_.partition.SetHasMarks(false);
  rig_.Restart();
  EXPECT_TRUE(Usable().ok());
  EXPECT_EQ(rig_.epochs->WitnessOf(kShared), Witness::kNone);
}

}  // namespace
}  // namespace sealward::lifecycle
