// Watches: order, completeness, resumption, compaction, cancellation.
#include <gmock/gmock.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "common/errors.h"
#include "tests/contract/store/contract.h"

namespace sealward::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr absl::Duration kLong = absl::Seconds(60);  // a test that waits this long has failed

TEST_P(StoreContract, WatchYieldsChangesInOrder) {
  Put("w/a", "1");
  auto watch = store().WatchPrefix("w/", 0);
  ASSERT_TRUE(watch.ok());
  Put("w/b", "2");
  Put("other", "x");
  Delete("w/a");
  EXPECT_THAT(DrainWatch(**watch), ElementsAre("w/a=1@1", "w/b=2@2", "w/a=(none)@4"));
  EXPECT_THAT(DrainWatch(**watch), IsEmpty());
}

// Who deletes what is not there, or fails, has changed nothing.
TEST_P(StoreContract, WatchShowsOnlyWhatChanged) {
  auto watch = store().WatchPrefix("", 0);
  ASSERT_TRUE(watch.ok());
  Delete("a");
  EXPECT_FALSE(store().Commit({{{"a", 5}}, {{"a", "1"}}}).ok());
  ASSERT_TRUE(store().Commit({{}, {{"a", std::nullopt}, {"b", "1"}}}).ok());
  EXPECT_THAT(DrainWatch(**watch), ElementsAre("b=1@1"));
}

TEST_P(StoreContract, WatchResumesAfterARevision) {
  Put("a", "1");
  Put("a", "2");
  Put("a", "3");
  EXPECT_THAT(DrainWatch(**store().WatchPrefix("", 2)), ElementsAre("a=3@3"));
  EXPECT_THAT(DrainWatch(**store().WatchPrefix("", 3)), IsEmpty());
  Reopen();
  EXPECT_THAT(DrainWatch(**store().WatchPrefix("", 1)), ElementsAre("a=2@2", "a=3@3"));
}

// A client that saw more than we have (we were restored) gets what is new after that only.
TEST_P(StoreContract, WatchAheadOfTheStoreWaits) {
  auto watch = store().WatchPrefix("", 2);
  ASSERT_TRUE(watch.ok());
  Put("a", "1");
  Put("a", "2");
  EXPECT_THAT(DrainWatch(**watch), IsEmpty());
  Put("a", "3");
  EXPECT_THAT(DrainWatch(**watch), ElementsAre("a=3@3"));
}

// A transaction that is split would show a catalog that never was.
TEST_P(StoreContract, PollsNeverSplitATransaction) {
  constexpr int kTransactions = 21;
  for (int t = 0; t < kTransactions; ++t) {
    Transaction transaction;
    for (int i = 0; i < 97; ++i) transaction.operations.push_back({absl::StrCat("k", i), "v"});
    ASSERT_TRUE(store().Commit(transaction).ok());
  }
  auto watch = store().WatchPrefix("", 0);
  ASSERT_TRUE(watch.ok());
  size_t total = 0;
  int64_t last_revision = 0;
  for (;;) {
    const auto events = (*watch)->Poll(absl::ZeroDuration());
    ASSERT_TRUE(events.ok());
    if (events->empty()) break;
    EXPECT_LE(events->size(), static_cast<size_t>(kMaxEventsPerPoll));
    EXPECT_EQ(events->size() % 97, 0U);
    EXPECT_EQ(events->front().mod_revision, last_revision + 1);
    last_revision = events->back().mod_revision;
    total += events->size();
  }
  EXPECT_EQ(total, 97U * kTransactions);
}

// A watch that misses changes must say so: its owner then lists again.
TEST_P(StoreContract, CompactedRevisionIsOutOfRange) {
  Put("a", "1");
  auto behind = store().WatchPrefix("a", 1);
  ASSERT_TRUE(behind.ok());
  for (int64_t i = 0; i <= kKeptRevisionsInTests; ++i) Put("b", absl::StrCat(i));
  const auto events = (*behind)->Poll(absl::ZeroDuration());
  EXPECT_EQ(events.status().code(), absl::StatusCode::kOutOfRange);
  auto late = store().WatchPrefix("", 1);
  EXPECT_EQ((*late)->Poll(absl::ZeroDuration()).status().code(), absl::StatusCode::kOutOfRange);
  const int64_t now = *store().Revision();
  auto kept = store().WatchPrefix("b", now - kKeptRevisionsInTests);
  EXPECT_EQ(DrainWatch(**kept).size(), static_cast<size_t>(kKeptRevisionsInTests));
  EXPECT_EQ(DrainWatch(**store().WatchPrefix("b", 0)).size(),
            static_cast<size_t>(kKeptRevisionsInTests));
  EXPECT_EQ(Value("a"), "1");  // entries stay
}

// Changes elsewhere must not push a watch that polls over the edge.
TEST_P(StoreContract, IdleWatchIsNotCompactedAway) {
  Put("a", "1");
  auto watch = store().WatchPrefix("a", 1);
  ASSERT_TRUE(watch.ok());
  for (int64_t i = 0; i < 3 * kKeptRevisionsInTests; ++i) {
    Put("b", absl::StrCat(i));
    if (i % 50 == 0) {
      EXPECT_THAT(DrainWatch(**watch), IsEmpty());
    }
  }
  Put("a", "2");
  EXPECT_EQ(DrainWatch(**watch).size(), 1U);
}

TEST_P(StoreContract, PollTimesOutEmpty) {
  auto watch = store().WatchPrefix("a", 0);
  ASSERT_TRUE(watch.ok());
  const auto events = (*watch)->Poll(absl::Milliseconds(1));
  ASSERT_TRUE(events.ok());
  EXPECT_THAT(*events, IsEmpty());
}

// A waiting watch is woken by a commit below its prefix, and by no other.
TEST_P(StoreContract, CommitWakesAWaitingWatch) {
  auto watch = store().WatchPrefix("a", 0);
  ASSERT_TRUE(watch.ok());
  absl::Notification started;
  std::thread writer([&] {
    started.WaitForNotification();
    for (int i = 0; i < 20; ++i) Put("b", "no");
    Put("a", "yes");
  });
  started.Notify();
  const auto events = (*watch)->Poll(kLong);
  writer.join();
  ASSERT_TRUE(events.ok());
  ASSERT_EQ(events->size(), 1U);
  EXPECT_EQ(events->front().key, "a");
}

TEST_P(StoreContract, CancelEndsAWaitingPoll) {
  auto watch = store().WatchPrefix("a", 0);
  ASSERT_TRUE(watch.ok());
  std::thread canceller([&] { (*watch)->Cancel(); });
  const auto events = (*watch)->Poll(kLong);
  canceller.join();
  EXPECT_EQ(events.status().code(), absl::StatusCode::kCancelled);
  Put("a", "1");
  EXPECT_EQ((*watch)->Poll(absl::ZeroDuration()).status().code(), absl::StatusCode::kCancelled);
}

// Several writers, one watch: every revision once, in order, whatever the timing.
TEST_P(StoreContract, WatchIsGaplessUnderConcurrentCommits) {
  constexpr int kWriters = 4;
  constexpr int kEach = 20;
  // A watcher that a slow machine holds up must still find its changes kept.
  static_assert(kWriters * kEach < kKeptRevisionsInTests);
  auto watch = store().WatchPrefix("", 0);
  ASSERT_TRUE(watch.ok());
  std::vector<std::thread> writers;
  writers.reserve(kWriters);
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([this, w] {
      for (int i = 0; i < kEach; ++i) Put(absl::StrCat("k", w), absl::StrCat(i));
    });
  }
  int64_t next = 1;
  while (next <= kWriters * kEach) {
    const auto events = (*watch)->Poll(kLong);
    ASSERT_TRUE(events.ok());
    ASSERT_FALSE(events->empty());
    for (const Event& event : *events) EXPECT_EQ(event.mod_revision, next++);
  }
  for (std::thread& writer : writers) writer.join();
}

}  // namespace
}  // namespace sealward::store
