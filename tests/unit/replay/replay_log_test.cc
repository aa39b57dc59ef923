// What calls with a request_id came to. If these break, a pipeline that lost an answer
// makes a second key, gets the answer to another question, or is never answered again; or
// one principal fills the store.
#include "server/replay/replay_log.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/replay/layout.h"
#include "server/store/sqlite_store.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/temp_dir.h"

namespace sealward::replay {
namespace {

constexpr absl::Duration kShort = absl::Minutes(1);

Call OneCall() { return {"spiffe://test/ci", "sealward.v1.CreateKeyRequest", "run-17", "body"}; }

Permission OneRight() {
  Permission right;
  right.set_tenant("tenants/a");
  right.set_verb("keys.create");
  right.set_resource("tenants/a/keys/web");
  return right;
}

class ReplayLogTest : public testing::Test {
 protected:
  ReplayLogTest() { Boot(store::SqliteStore::Mode::kCreate); }

  void Boot(store::SqliteStore::Mode mode) {
    log_.reset();
    store_.reset();
    store_ =
        *store::SqliteStore::Open(absl::StrCat(directory_.path(), "/s/sealward.db"), mode, &clock_);
    log_ = *ReplayLog::Open(store_.get());
  }
  void Restart() { Boot(store::SqliteStore::Mode::kExisting); }

  absl::StatusOr<Entry> Enter(const Call& call) { return log_->Enter(call, clock_.Now()); }
  std::string ReasonOf(const Call& call) { return ErrorReason(Enter(call).status()); }

  // Carries `call` out to an end.
  void CarryOut(const Call& call, const absl::Status& status, const std::string& answer) {
    const auto entry = Enter(call);
    ASSERT_TRUE(entry.ok()) << entry.status();
    ASSERT_NE(entry->attempt, nullptr);
    ASSERT_TRUE(entry->attempt->Allowed(OneRight()).ok());
    entry->attempt->Ended(status, answer);
  }

  size_t Records(absl::string_view prefix) {
    return store_->List(prefix, "", store::kMaxListLimit)->entries.size();
  }

  fakes::TempDir directory_;
  fakes::ManualClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  std::unique_ptr<store::SqliteStore> store_;
  std::unique_ptr<ReplayLog> log_;
};

TEST_F(ReplayLogTest, TheFirstAnswerComesAgainAfterARestartToo) {
  CarryOut(OneCall(), absl::OkStatus(), "answer");
  Restart();
  const auto again = Enter(OneCall());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->attempt, nullptr);
  ASSERT_TRUE(again->answer.has_value());
  EXPECT_EQ(again->answer->response, "answer");
  ASSERT_EQ(again->answer->permissions.size(), 1U);
  EXPECT_EQ(again->answer->permissions[0].verb(), "keys.create");
  EXPECT_EQ(log_->remembered(), 1U);
}

TEST_F(ReplayLogTest, AnotherBodyIsRefusedAndAnotherCallerOrMethodIsAnotherCall) {
  CarryOut(OneCall(), absl::OkStatus(), "answer");
  Call other = OneCall();
  other.request_sha256 = "another body";
  EXPECT_EQ(ReasonOf(other), "REQUEST_ID_REUSED");
  EXPECT_EQ(ReasonOf(other), "REQUEST_ID_REUSED");  // and the refusal keeps nothing under way
  for (std::string Call::* part : {&Call::principal, &Call::method, &Call::request_id}) {
    Call different = OneCall();
    different.*part += "x";
    const auto entry = Enter(different);
    ASSERT_TRUE(entry.ok()) << entry.status();
    EXPECT_NE(entry->attempt, nullptr);
  }
}

// "ab" + "c" is not "a" + "bc".
TEST_F(ReplayLogTest, PartsDoNotRunIntoEachOther) {
  Call one = OneCall();
  Call two = OneCall();
  one.principal = "ab";
  one.method = "c";
  two.principal = "a";
  two.method = "bc";
  CarryOut(one, absl::OkStatus(), "answer");
  EXPECT_FALSE(Enter(two)->answer.has_value());
}

TEST_F(ReplayLogTest, OneAttemptAtATime) {
  auto first = Enter(OneCall());
  ASSERT_TRUE(first.ok());
  const auto second = Enter(OneCall());
  EXPECT_EQ(ErrorReason(second.status()), "REQUEST_IN_PROGRESS");
  EXPECT_GT(RetryDelay(second.status()), absl::ZeroDuration());
  first->attempt.reset();
  EXPECT_NE(Enter(OneCall())->attempt, nullptr);
}

TEST_F(ReplayLogTest, WhoIsAllowedNothingLeavesNothing) {
  ASSERT_TRUE(Enter(OneCall()).ok());
  EXPECT_EQ(Records("replay/"), 0U);
}

TEST_F(ReplayLogTest, ARefusalIsForgotten) {
  CarryOut(OneCall(), absl::InvalidArgumentError("no"), "");
  EXPECT_EQ(Records("replay/"), 0U);
  EXPECT_EQ(log_->remembered(), 0U);
  Call corrected = OneCall();
  corrected.request_sha256 = "another body";
  EXPECT_NE(Enter(corrected)->attempt, nullptr);
}

// The server died, or the HSM's answer is unknown: what is there may be this call's.
TEST_F(ReplayLogTest, WhatNobodySawTheEndOfIsBegunAgainUnderItsOldTime) {
  const absl::Time began = clock_.Now();
  CarryOut(OneCall(), absl::UnavailableError("who knows"), "");
  clock_.Advance(kShort);
  Restart();
  {
    const auto again = Enter(OneCall());
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->attempt->begun_before(), began);
    Call other = OneCall();
    ASSERT_TRUE(again->attempt->Allowed(OneRight()).ok());
    again->attempt->Ended(absl::OkStatus(), "late");
  }
  EXPECT_EQ(Records(kTimesPrefix), 1U);
  EXPECT_EQ(Enter(OneCall())->answer->response, "late");
  clock_.Advance(kReplayWindow - kShort);  // since it began, not since it ended
  EXPECT_FALSE(Enter(OneCall())->answer.has_value());
}

TEST_F(ReplayLogTest, AnotherBodyIsRefusedForAnUnfinishedCallToo) {
  CarryOut(OneCall(), absl::UnavailableError("who knows"), "");
  Call other = OneCall();
  other.request_sha256 = "another body";
  EXPECT_EQ(ReasonOf(other), "REQUEST_ID_REUSED");
}

TEST_F(ReplayLogTest, AfterADayAnIdIsNewAgain) {
  CarryOut(OneCall(), absl::OkStatus(), "answer");
  clock_.Advance(kReplayWindow - absl::Microseconds(1));
  EXPECT_TRUE(Enter(OneCall())->answer.has_value());
  clock_.Advance(absl::Microseconds(1));
  Call other = OneCall();
  other.request_sha256 = "another body";
  CarryOut(other, absl::OkStatus(), "another answer");
  EXPECT_EQ(Enter(other)->answer->response, "another answer");
  EXPECT_EQ(Records(kCallsPrefix), 1U);
  EXPECT_EQ(Records(kTimesPrefix), 1U);
  EXPECT_EQ(log_->remembered(), 1U);
}

TEST_F(ReplayLogTest, LapsedCallsAreSweptAway) {
  constexpr int kCalls = 3 * kMaxSwept;
  Call call = OneCall();
  for (int i = 0; i < kCalls; ++i) {
    call.request_id = absl::StrCat("old-", i);
    CarryOut(call, absl::OkStatus(), "answer");
  }
  clock_.Advance(kReplayWindow + kShort);
  for (int i = 0; i < 3; ++i) {
    call.request_id = absl::StrCat("new-", i);
    CarryOut(call, absl::OkStatus(), "answer");
  }
  EXPECT_EQ(Records(kCallsPrefix), 3U);
  EXPECT_EQ(Records(kTimesPrefix), 3U);
  EXPECT_EQ(log_->remembered(), 3U);
}

TEST_F(ReplayLogTest, ALongAnswerIsNotKept) {
  CarryOut(OneCall(), absl::OkStatus(), std::string(kMaxAnswerBytes + 1, 'x'));
  EXPECT_NE(Enter(OneCall())->attempt, nullptr);
}

TEST_F(ReplayLogTest, IdsAreShortAndPrintable) {
  for (const std::string& id :
       {std::string(), std::string(kMaxRequestIdBytes + 1, 'a'), std::string("a b"),
        std::string("a\n"), std::string("\xc3\xa9"), std::string("a\0b", 3)}) {
    Call call = OneCall();
    call.request_id = id;
    EXPECT_EQ(ReasonOf(call), "REQUEST_ID_INVALID") << id;
  }
}

TEST_F(ReplayLogTest, ARecordThatCannotBeReadIsDataLoss) {
  CarryOut(OneCall(), absl::OkStatus(), "answer");
  const std::string key = store_->List(kCallsPrefix, "", 1)->entries[0].key;
  ASSERT_TRUE(store_->Commit({{}, {{key, "\xff\xff"}}}).ok());
  EXPECT_TRUE(absl::IsDataLoss(Enter(OneCall()).status()));
}

TEST_F(ReplayLogTest, ThereIsRoomForSoManyAndNoMore) {
  for (size_t i = 0; i < kMaxRemembered; i += 100) {  // as if calls had left them
    store::Transaction transaction;
    for (size_t j = i; j < i + 100; ++j) {
      transaction.operations.push_back(
          {TimeKey(absl::ToUnixMicros(clock_.Now()), absl::StrCat(j)), ""});
    }
    ASSERT_TRUE(store_->Commit(transaction).ok());
  }
  Restart();
  ASSERT_EQ(log_->remembered(), kMaxRemembered);
  const auto entry = Enter(OneCall());
  ASSERT_TRUE(entry.ok());
  EXPECT_EQ(ErrorReason(entry->attempt->Allowed(OneRight())), "TOO_MANY_REQUEST_IDS");
}

}  // namespace
}  // namespace sealward::replay
