// Changes of a key by somebody's decision, and what the partition learns of them. If
// these break, of two operators' changes one is lost, an approval works twice, or a
// process goes on signing with a key that was revoked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <thread>

#include "common/errors.h"
#include "server/lifecycle/intervene.h"
#include "tests/fakes/key_rig.h"

namespace sealward::lifecycle {
namespace {

using fakes::KeyRig;
using fakes::kKey;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto kAlways = [](const catalog::Key&) { return true; };
constexpr auto kNothingMore = [](store::Transaction&) {};

class KeyChangeTest : public testing::Test {
 protected:
  KeyChangeTest() {
    rig_.AddTenantAndIssuer();
    EXPECT_TRUE(rig_.manager->CreateKey(KeyRig::NewKey(), absl::InfiniteFuture()).ok());
    EXPECT_TRUE(rig_.manager->Advance(kKey).ok());
    rig_.clock.Advance(fakes::kPropagation);
    EXPECT_EQ(rig_.States(), "ACTIVE STANDBY");
  }

  static absl::StatusOr<catalog::Key> RevokeFirst(const catalog::Key& seen, const KeyCourse& course,
                                                  absl::Time now) {
    constexpr std::array<size_t, 1> kFirst = {0};
    return catalog::WithTimes(seen, Revoke(course, kFirst, WithoutStandby::kRefuse, now).versions);
  }
  absl::StatusOr<KeyManager::KeyPtr> Change(KeyManager::Decide decide,
                                            KeyManager::Amend amend = kNothingMore,
                                            KeyManager::Precondition unchanged = kAlways) {
    return rig_.manager->ChangeKey(kKey, unchanged, decide, absl::InfiniteFuture(), amend);
  }
  // Somebody else's change of the same key.
  void ChangeBehindItsBack() {
    const auto key = rig_.Key();
    catalog::Key next = *key;
    next.quota = {5, 5};
    ASSERT_TRUE(rig_.store->Commit(catalog::UpdateKey(*key, next)).ok());
  }
  const std::string& Object(size_t index) { return rig_.Key()->versions[index]->object_id; }

  KeyRig rig_;
};

TEST_F(KeyChangeTest, CommitsWhatIsDecidedAndTellsTheDriver) {
  std::string told;
  rig_.manager->OnChange([&told](absl::string_view key) { told = std::string(key); });
  const auto key = Change(RevokeFirst);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(rig_.States(), "REVOKED ACTIVE");
  EXPECT_EQ((*key)->mod_revision, rig_.Key()->mod_revision);
  EXPECT_EQ(told, kKey);
}

TEST_F(KeyChangeTest, DecidesAgainWhereAnotherChangeCameFirst) {
  rig_.counted->BeforeNextCommit([this] { ChangeBehindItsBack(); });
  int decided = 0;
  const auto key = Change([&](const catalog::Key& seen, const KeyCourse& course, absl::Time now) {
    ++decided;
    return RevokeFirst(seen, course, now);
  });
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(decided, 2);
  EXPECT_EQ(rig_.States(), "REVOKED ACTIVE");
  EXPECT_EQ(rig_.Key()->quota.per_second, 5);
}

// With an etag, the change in between is what the caller wanted to know of.
TEST_F(KeyChangeTest, AnEtagRefusesAChangeThatCameInBetween) {
  rig_.counted->BeforeNextCommit([this] { ChangeBehindItsBack(); });
  const int64_t revision = rig_.Key()->mod_revision;
  const auto key = Change(RevokeFirst, kNothingMore, [revision](const catalog::Key& seen) {
    return seen.mod_revision == revision;
  });
  EXPECT_EQ(ErrorReason(key.status()), "ETAG_MISMATCH");
  EXPECT_EQ(rig_.States(), "ACTIVE STANDBY");
}

TEST_F(KeyChangeTest, WhatIsAmendedIsCommittedWithItOrNothingIs) {
  const auto key = Change(RevokeFirst, [](store::Transaction& transaction) {
    transaction.compares.push_back({"an/approval/that/is/gone", 17});
  });
  EXPECT_EQ(ErrorReason(key.status()), "CONCURRENT_CHANGE");
  EXPECT_EQ(rig_.States(), "ACTIVE STANDBY");
  ASSERT_TRUE(Change(RevokeFirst, [](store::Transaction& transaction) {
                transaction.operations.push_back({"an/approval", "used"});
              }).ok());
  EXPECT_TRUE(rig_.store->Get("an/approval")->has_value());
}

TEST_F(KeyChangeTest, ADecisionThatRefusesAndAStoreThatFailsChangeNothing) {
  const auto refused = Change([](const catalog::Key&, const KeyCourse&, absl::Time) {
    return absl::StatusOr<catalog::Key>(absl::FailedPreconditionError("no"));
  });
  EXPECT_EQ(refused.status().message(), "no");
  rig_.counted->FailCommits(1);
  EXPECT_EQ(Change(RevokeFirst).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(rig_.States(), "ACTIVE STANDBY");
  EXPECT_EQ(rig_.manager
                ->ChangeKey("tenants/a/keys/none", kAlways, RevokeFirst, absl::InfiniteFuture(),
                            kNothingMore)
                .status()
                .code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(
                rig_.manager->ChangeKey(kKey, kAlways, RevokeFirst, rig_.clock.Now(), kNothingMore)
                    .status()),
            "KEY_BUSY");
}

// The HSM takes its time for a successor; a revocation does not wait for it.
TEST_F(KeyChangeTest, WaitsForNobodyWhoWorksOnTheKey) {
  const auto rotate = [this] {
    return rig_.manager->RotateKey(kKey, kAlways, absl::InfiniteFuture());
  };
  ASSERT_TRUE(rotate().ok());
  rig_.partition.BlockGenerate();
  std::thread driver([this] { EXPECT_TRUE(rig_.manager->Advance(kKey).ok()); });
  rig_.partition.AwaitBlockedGenerate();
  EXPECT_EQ(rig_.States(), "VERIFY_ONLY ACTIVE PENDING");
  ASSERT_TRUE(Change(RevokeFirst).ok());
  EXPECT_EQ(rig_.States(), "REVOKED ACTIVE PENDING");
  rig_.partition.Unblock();
  driver.join();
  EXPECT_EQ(rig_.States(), "REVOKED ACTIVE STAGED");
}

TEST_F(KeyChangeTest, ForgetsInTheTenantsPartition) {
  constexpr std::array<size_t, 2> kBoth = {0, 1};
  const auto key = rig_.Key();
  ASSERT_TRUE(rig_.manager->ForgetVersions(*key, kBoth, absl::InfiniteFuture()).ok());
  EXPECT_THAT(rig_.partition.forgotten(), ElementsAre(Object(0), Object(1)));
  EXPECT_THAT(rig_.own_partition.forgotten(), IsEmpty());
  rig_.partition.FailNextForget();
  EXPECT_EQ(ErrorReason(rig_.manager->ForgetVersions(*key, kBoth, absl::InfiniteFuture())),
            "FORGET_PENDING");
}

class MarkRevokedTest : public KeyChangeTest {
 protected:
  MarkRevokedTest() { EXPECT_TRUE(Change(RevokeFirst).ok()); }
  absl::StatusOr<KeyManager::KeyPtr> Mark() {
    constexpr std::array<size_t, 2> kBoth = {0, 1};
    return rig_.manager->MarkRevoked(kKey, kBoth, absl::InfiniteFuture());
  }
  bool IsMarked() { return rig_.Key()->versions[0]->times.revoke_marked; }
};

TEST_F(MarkRevokedTest, LeavesATombstoneForWhatIsRevokedOnly) {
  const auto key = Mark();
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_TRUE((*key)->versions[0]->times.revoke_marked);
  EXPECT_FALSE((*key)->versions[1]->times.revoke_marked);
  ASSERT_TRUE(rig_.partition.mark(Object(0)).has_value());
  EXPECT_EQ(rig_.partition.mark(Object(0))->kind(), hsm::v1::Mark::KIND_REVOKED);
  EXPECT_EQ(rig_.partition.mark(Object(0))->time_us(), absl::ToUnixMicros(rig_.clock.Now()));
  EXPECT_FALSE(rig_.partition.mark(Object(1)).has_value());
  EXPECT_THAT(rig_.partition.forgotten(), ElementsAre(Object(0)));
  ASSERT_TRUE(Mark().ok());
  EXPECT_EQ(rig_.partition.requests(hsm::v1::Operation::kRevoke), 1);  // it is known to be there
}

// Every step can be the last before a crash; the next try goes on.
TEST_F(MarkRevokedTest, CanBeRepeatedFromWhereverItEnded) {
  rig_.partition.SetAvailable(false);
  EXPECT_EQ(ErrorReason(Mark().status()), "HSM_UNAVAILABLE");
  EXPECT_FALSE(IsMarked());
  rig_.partition.SetAvailable(true);
  rig_.partition.LoseAnswersOf(hsm::v1::Operation::kRevoke, 1);
  EXPECT_FALSE(Mark().ok());
  EXPECT_FALSE(IsMarked());
  rig_.partition.FailNextForget();
  EXPECT_EQ(ErrorReason(Mark().status()), "FORGET_PENDING");
  EXPECT_FALSE(IsMarked());
  rig_.counted->FailCommits(1);
  EXPECT_EQ(Mark().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(IsMarked());
  rig_.Restart();
  ASSERT_TRUE(Mark().ok());
  EXPECT_TRUE(IsMarked());
}

TEST_F(MarkRevokedTest, WhereTheHsmHasNoMarksTheRecordCounts) {
  rig_.partition.SetHasMarks(false);
  ASSERT_TRUE(Mark().ok());
  EXPECT_TRUE(IsMarked());
  EXPECT_THAT(rig_.partition.forgotten(), ElementsAre(Object(0)));
}

}  // namespace
}  // namespace sealward::lifecycle
