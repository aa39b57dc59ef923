// The rules of marks and epoch, on sealward-hsm's partition with SoftHSM2 and on the
// fake partition: the server's tests are worth no more than the fake is faithful.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "tests/contract/hsm/hsm_process.h"
#include "tests/contract/hsm/local_partition.h"
#include "tests/contract/hsm/mark_operations.h"
#include "tests/fakes/fake_partition.h"
#include "tests/fakes/manual_clock.h"

namespace sealward::hsm_test {
namespace {

using hsm::v1::Mark;

constexpr absl::Duration kWindow = absl::Hours(24);
constexpr absl::Duration kRequestAge = absl::Minutes(1);

class MarksContract : public ::testing::TestWithParam<bool> {
 protected:
  MarksContract() {
    if (GetParam()) local_.emplace(clock_);
  }

  hsm::v1::Result Do(const hsm::v1::Operation& operation) {
    return local_ ? local_->CallOne(operation) : *fake_.Call(operation, absl::InfiniteFuture());
  }

  // "OK", or the reason.
  std::string Reason(const hsm::v1::Operation& operation) {
    const hsm::v1::Result result = Do(operation);
    if (result.code() == 0) return "OK";
    EXPECT_NE(result.message(), "");
    return result.reason();
  }

  hsm::v1::PublicKey Generate(int n) {
    const hsm::v1::Result result = Do(GenerateOp(Ref(Id(n)), v1::ALGORITHM_ES256));
    EXPECT_EQ(result.code(), 0) << result.message();
    return result.public_key();
  }

  std::string Sign(int n, const hsm::v1::PublicKey& key) {
    return Reason(SignOp(Ref(Id(n)), SigningInputFor(key)));
  }

  void ScheduleAndDestroy(int n) {
    EXPECT_EQ(Reason(ScheduleOp(Ref(Id(n)), clock_.Now() + kWindow)), "OK");
    clock_.Advance(kWindow);
    EXPECT_EQ(Reason(DestroyOp(Ref(Id(n)))), "OK");
  }

  std::optional<Mark> MarkOf(int n) {
    const hsm::v1::Result result = Do(ListMarksOp());
    EXPECT_EQ(result.code(), 0) << result.message();
    for (const Mark& mark : result.mark_list().marks()) {
      if (mark.object_id() == Id(n)) return mark;
    }
    return std::nullopt;
  }

  std::string Epoch() {
    const hsm::v1::Epoch epoch = Do(ReadEpochOp()).epoch();
    return epoch.lineage().substr(0, 1) + std::to_string(epoch.revision());
  }

  fakes::ManualClock clock_;
  fakes::FakePartition fake_{&clock_};
  std::optional<LocalPartition> local_;
};

TEST_P(MarksContract, AScheduledPairDoesNotSignUntilItIsCancelled) {
  const hsm::v1::PublicKey key = Generate(1);
  EXPECT_EQ(Sign(1, key), "OK");
  EXPECT_EQ(Reason(ScheduleOp(Ref(Id(1)), clock_.Now() + kWindow)), "OK");
  EXPECT_EQ(Sign(1, key), "OBJECT_DESTROY_SCHEDULED");
  EXPECT_EQ(Reason(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)), "OBJECT_DESTROY_SCHEDULED");
  const auto mark = MarkOf(1);
  ASSERT_TRUE(mark);
  EXPECT_EQ(mark->kind(), Mark::KIND_DESTROY_SCHEDULED);
  EXPECT_EQ(mark->key(), "tenants/acme/keys/login");
  EXPECT_EQ(mark->time_us(), absl::ToUnixMicros(clock_.Now() + kWindow));
  EXPECT_EQ(Reason(CancelOp(Ref(Id(1)))), "OK");
  EXPECT_EQ(Reason(CancelOp(Ref(Id(1)))), "OK");
  EXPECT_EQ(Sign(1, key), "OK");
  EXPECT_FALSE(MarkOf(1));
  EXPECT_TRUE(Generate(1).existed());
}

// The window is the signer's own: a hijacked server cannot shorten it.
TEST_P(MarksContract, TheWindowIsEnforced) {
  Generate(1);
  EXPECT_EQ(Reason(DestroyOp(Ref(Id(1)))), "NOT_SCHEDULED");
  const absl::Time least = clock_.Now() + kWindow - kRequestAge;
  EXPECT_EQ(Reason(ScheduleOp(Ref(Id(1)), least - absl::Microseconds(1))), "WINDOW_TOO_SHORT");
  EXPECT_FALSE(MarkOf(1));
  EXPECT_EQ(Reason(ScheduleOp(Ref(Id(1)), clock_.Now() + kWindow)), "OK");
  EXPECT_EQ(Reason(DestroyOp(Ref(Id(1)))), "WINDOW_OPEN");
  clock_.Advance(kWindow - absl::Microseconds(1));
  EXPECT_EQ(Reason(DestroyOp(Ref(Id(1)))), "WINDOW_OPEN");
  EXPECT_EQ(Do(GetOp(Ref(Id(1)))).code(), 0);
  clock_.Advance(absl::Microseconds(1));
  EXPECT_EQ(Reason(DestroyOp(Ref(Id(1)))), "OK");
  EXPECT_EQ(Reason(GetOp(Ref(Id(1)))), "OBJECT_NOT_FOUND");
}

// A repeated request finds the time nearer than the window; it must not be refused,
// and nothing brings the time forward.
TEST_P(MarksContract, ARepeatedScheduleOnlyMovesToLater) {
  Generate(1);
  const absl::Time due = clock_.Now() + kWindow;
  EXPECT_EQ(Reason(ScheduleOp(Ref(Id(1)), due)), "OK");
  clock_.Advance(absl::Hours(2));
  EXPECT_EQ(Reason(ScheduleOp(Ref(Id(1)), due)), "OK");
  EXPECT_EQ(Reason(ScheduleOp(Ref(Id(1)), due - absl::Hours(1))), "OK");
  EXPECT_EQ(MarkOf(1)->time_us(), absl::ToUnixMicros(due));
  EXPECT_EQ(Reason(ScheduleOp(Ref(Id(1)), due + absl::Hours(1))), "OK");
  EXPECT_EQ(MarkOf(1)->time_us(), absl::ToUnixMicros(due + absl::Hours(1)));
  clock_.Advance(kWindow - absl::Hours(2));
  EXPECT_EQ(Reason(DestroyOp(Ref(Id(1)))), "WINDOW_OPEN");
}

// A schedule that was taken back gives the next one no head start.
TEST_P(MarksContract, CancelTakesTheWindowBack) {
  Generate(1);
  const absl::Time due = clock_.Now() + kWindow;
  EXPECT_EQ(Reason(ScheduleOp(Ref(Id(1)), due)), "OK");
  clock_.Advance(kWindow);
  EXPECT_EQ(Reason(CancelOp(Ref(Id(1)))), "OK");
  EXPECT_EQ(Reason(DestroyOp(Ref(Id(1)))), "NOT_SCHEDULED");
  EXPECT_EQ(Reason(ScheduleOp(Ref(Id(1)), due)), "WINDOW_TOO_SHORT");
}

// A server asks for the least window by its own clock, and the request takes time.
TEST_P(MarksContract, ARequestMayHaveBeenOnItsWay) {
  Generate(1);
  const absl::Time due = clock_.Now() + kWindow;
  clock_.Advance(kRequestAge);
  EXPECT_EQ(Reason(ScheduleOp(Ref(Id(1)), due)), "OK");
  EXPECT_EQ(MarkOf(1)->time_us(), absl::ToUnixMicros(due));
}

TEST_P(MarksContract, ADestroyedPairLeavesATombstoneForEver) {
  const hsm::v1::PublicKey key = Generate(1);
  ScheduleAndDestroy(1);
  EXPECT_EQ(Reason(DestroyOp(Ref(Id(1)))), "OK") << "repeating is harmless";
  const auto mark = MarkOf(1);
  ASSERT_TRUE(mark);
  EXPECT_EQ(mark->kind(), Mark::KIND_DESTROYED);
  EXPECT_EQ(mark->time_us(), absl::ToUnixMicros(clock_.Now()));
  EXPECT_EQ(Sign(1, key), "OBJECT_NOT_FOUND");
  EXPECT_EQ(Reason(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)), "TOMBSTONE");
  EXPECT_EQ(Reason(CancelOp(Ref(Id(1)))), "DESTROYED");
  EXPECT_EQ(Reason(ScheduleOp(Ref(Id(1)), clock_.Now() + kWindow)), "DESTROYED");
  const hsm::v1::ObjectList list = Do(ListOp("", 10)).object_list();
  EXPECT_EQ(list.objects_size(), 0);
  EXPECT_EQ(list.unattributable(), 0U) << "tombstones are no keys that lost their name";
}

TEST_P(MarksContract, ARevokedPairNeverSignsAgain) {
  const hsm::v1::PublicKey key = Generate(1);
  const absl::Time revoked = clock_.Now();
  EXPECT_EQ(Reason(RevokeOp(Ref(Id(1)), revoked)), "OK");
  EXPECT_EQ(Reason(RevokeOp(Ref(Id(1)), revoked + absl::Hours(1))), "OK");
  EXPECT_EQ(Sign(1, key), "OBJECT_REVOKED");
  EXPECT_EQ(Reason(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)), "TOMBSTONE");
  EXPECT_EQ(Reason(CancelOp(Ref(Id(1)))), "OK");
  EXPECT_EQ(Sign(1, key), "OBJECT_REVOKED");
  EXPECT_EQ(MarkOf(1)->kind(), Mark::KIND_REVOKED);
  EXPECT_EQ(MarkOf(1)->time_us(), absl::ToUnixMicros(revoked)) << "the first time stays";
  EXPECT_EQ(Do(GetOp(Ref(Id(1)))).code(), 0) << "the public key stays readable";
  EXPECT_EQ(Do(ListOp("", 10)).object_list().objects_size(), 1);
}

// Stolen keys are destroyed, too; and what stops first must not hide what comes after.
TEST_P(MarksContract, ARevokedPairCanBeScheduledCancelledAndDestroyed) {
  const hsm::v1::PublicKey key = Generate(1);
  EXPECT_EQ(Reason(RevokeOp(Ref(Id(1)))), "OK");
  EXPECT_EQ(Reason(ScheduleOp(Ref(Id(1)), clock_.Now() + kWindow)), "OK");
  EXPECT_EQ(MarkOf(1)->kind(), Mark::KIND_REVOKED) << "the highest";
  EXPECT_EQ(Reason(CancelOp(Ref(Id(1)))), "OK");
  EXPECT_EQ(Sign(1, key), "OBJECT_REVOKED");
  ScheduleAndDestroy(1);
  EXPECT_EQ(MarkOf(1)->kind(), Mark::KIND_DESTROYED);
}

// A pair that an HSM lost can be revoked and its id closed all the same.
TEST_P(MarksContract, WhatIsGoneCanBeMarked) {
  EXPECT_EQ(Reason(RevokeOp(Ref(Id(1)))), "OK");
  EXPECT_EQ(Reason(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)), "TOMBSTONE");
  EXPECT_EQ(Reason(ScheduleOp(Ref(Id(2)), clock_.Now() + kWindow)), "OK");
  clock_.Advance(kWindow);
  EXPECT_EQ(Reason(DestroyOp(Ref(Id(2)))), "OK");
  EXPECT_EQ(Reason(GenerateOp(Ref(Id(2)), v1::ALGORITHM_ES256)), "TOMBSTONE");
}

TEST_P(MarksContract, AnotherKeysPairIsNotTouched) {
  const hsm::v1::PublicKey key = Generate(1);
  for (const hsm::v1::ObjectRef& wrong : {Ref(Id(1), "tenants/other/keys/login"), BareRef(Id(1))}) {
    EXPECT_EQ(Reason(ScheduleOp(wrong, clock_.Now() + kWindow)), "OBJECT_MISMATCH");
    EXPECT_EQ(Reason(DestroyOp(wrong)), "OBJECT_MISMATCH");
    EXPECT_EQ(Reason(CancelOp(wrong)), "OBJECT_MISMATCH");
  }
  EXPECT_EQ(Reason(RevokeOp(Ref(Id(1), "tenants/other/keys/login"))), "OBJECT_MISMATCH");
  EXPECT_EQ(Sign(1, key), "OK");
  EXPECT_FALSE(MarkOf(1));
  // A tombstone goes on saying whose it was.
  ScheduleAndDestroy(1);
  EXPECT_EQ(Reason(DestroyOp(Ref(Id(1), "tenants/other/keys/login"))), "OBJECT_MISMATCH");
}

TEST_P(MarksContract, SenselessReferencesAreRefused) {
  hsm::v1::ObjectRef half = Ref(Id(1));
  half.clear_purpose();
  for (const hsm::v1::ObjectRef& ref : {half, BareRef("short"), BareRef("")}) {
    EXPECT_EQ(Reason(ScheduleOp(ref, clock_.Now() + kWindow)), "OBJECT_REF_INVALID");
    EXPECT_EQ(Reason(DestroyOp(ref)), "OBJECT_REF_INVALID");
    EXPECT_EQ(Reason(CancelOp(ref)), "OBJECT_REF_INVALID");
    EXPECT_EQ(Reason(RevokeOp(ref)), "OBJECT_REF_INVALID");
  }
  EXPECT_EQ(Reason(RevokeOp(BareRef(Id(1)))), "OBJECT_REF_INVALID");
  EXPECT_EQ(Reason(RevokeOp(Ref(Id(1)), absl::UnixEpoch())), "OBJECT_REF_INVALID");
  EXPECT_EQ(Reason(ScheduleOp(BareRef(Id(1)), clock_.Now() + kWindow)), "OBJECT_NOT_FOUND");
  EXPECT_EQ(Reason(ListMarksOp("", 0)), "OBJECT_REF_INVALID");
}

// Ids with the high bit set sort after those without, or a page would skip them.
TEST_P(MarksContract, MarksArePagedInTheOrderOfTheirIds) {
  for (const int n : {200, 3, 100, 250, 1}) EXPECT_EQ(Reason(RevokeOp(Ref(Id(n)))), "OK");
  std::string after;
  std::vector<int> seen;
  for (bool more = true; more;) {
    const hsm::v1::Result page = Do(ListMarksOp(after, 2));
    ASSERT_EQ(page.code(), 0) << page.message();
    ASSERT_GT(page.mark_list().marks_size(), 0);
    for (const Mark& mark : page.mark_list().marks()) {
      after = mark.object_id();
      seen.push_back(static_cast<unsigned char>(after.back()));
    }
    more = page.mark_list().more();
  }
  EXPECT_THAT(seen, ::testing::ElementsAre(1, 3, 100, 200, 250));
}

TEST_P(MarksContract, TheEpochOnlyMovesForward) {
  EXPECT_EQ(Epoch(), "0");
  EXPECT_EQ(Reason(AdvanceOp('a', 7)), "OK");
  EXPECT_EQ(Epoch(), "a7");
  EXPECT_EQ(Do(AdvanceOp('a', 5)).epoch().revision(), 7) << "OK, and what the partition has";
  EXPECT_EQ(Epoch(), "a7");
  EXPECT_EQ(Do(AdvanceOp('a', 8)).epoch().revision(), 8);
  EXPECT_EQ(Epoch(), "a8");
}

// Another store, or one from a backup that was recovered elsewhere, must not go on
// as if it were this partition's.
TEST_P(MarksContract, AnotherLineageNeedsARecovery) {
  EXPECT_EQ(Reason(AdvanceOp('a', 7)), "OK");
  EXPECT_EQ(Reason(AdvanceOp('b', 9)), "OTHER_LINEAGE");
  EXPECT_EQ(Reason(AdvanceOp('b', 9, 'c')), "OTHER_LINEAGE");
  EXPECT_EQ(Epoch(), "a7");
  EXPECT_EQ(Reason(AdvanceOp('b', 2, 'a')), "OK") << "a recovered store may be older";
  EXPECT_EQ(Epoch(), "b2");
  EXPECT_EQ(Reason(AdvanceOp('b', 2, 'a')), "OK") << "repeating is harmless";
  EXPECT_EQ(Reason(AdvanceOp('a', 100)), "OTHER_LINEAGE");
  EXPECT_EQ(Reason(AdvanceOp('b', 3)), "OK");
  EXPECT_EQ(Epoch(), "b3");
}

TEST_P(MarksContract, SenselessEpochsAreRefused) {
  hsm::v1::Operation operation = AdvanceOp('a', 1);
  operation.mutable_advance_epoch()->mutable_epoch()->set_lineage("short");
  EXPECT_EQ(Reason(operation), "EPOCH_INVALID");
  EXPECT_EQ(Reason(AdvanceOp('a', -1)), "EPOCH_INVALID");
  EXPECT_EQ(Epoch(), "0");
}

INSTANTIATE_TEST_SUITE_P(Partitions, MarksContract, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "SoftHsm" : "Fake"; });

}  // namespace
}  // namespace sealward::hsm_test
