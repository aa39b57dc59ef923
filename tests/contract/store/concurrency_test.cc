// Several callers at once, and leadership.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/barrier.h"
#include "common/errors.h"
#include "tests/contract/store/contract.h"

namespace sealward::store {
namespace {

using testing::HasSubstr;

// Two callers who decided on the same revision: one wins, the other must know.
TEST_P(StoreContract, OfTwoWritersOneWins) {
  for (int round = 0; round < 25; ++round) {
    const std::string key = absl::StrCat("race/", round);
    std::atomic<int> won = 0;
    std::atomic<int> aborted = 0;
    auto* both_ready = new absl::Barrier(2);
    const auto race = [&](const char* who) {
      if (both_ready->Block()) delete both_ready;
      const auto done = store().Commit({{{key, 0}}, {{key, who}}});
      if (done.ok()) ++won;
      if (absl::IsAborted(done.status())) ++aborted;
    };
    std::thread other(race, "other");
    race("this");
    other.join();
    EXPECT_EQ(won, 1);
    EXPECT_EQ(aborted, 1);
  }
}

// Increments through compare-and-set lose no update.
TEST_P(StoreContract, RetriedIncrementsAllCount) {
  constexpr int kThreads = 4;
  constexpr int kEach = 25;
  Put("n", "0");
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this] {
      for (int done = 0; done < kEach;) {
        const auto entry = store().Get("n");
        ASSERT_TRUE(entry.ok() && *entry);
        const int next = std::stoi((*entry)->value) + 1;
        if (store().Commit({{{"n", (*entry)->mod_revision}}, {{"n", absl::StrCat(next)}}}).ok()) {
          ++done;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Value("n"), absl::StrCat(kThreads * kEach));
  EXPECT_EQ(*store().Revision(), kThreads * kEach + 1);
}

// A listing never shows half of a transaction.
TEST_P(StoreContract, ListingsSeeWholeTransactions) {
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; i < 100; ++i) {
      const std::string n = absl::StrCat(i);
      EXPECT_TRUE(store().Commit({{}, {{"x/1", n}, {"x/2", n}, {"x/3", n}}}).ok());
    }
    stop = true;
  });
  while (!stop) {
    const auto page = store().List("x/", "", 10);
    ASSERT_TRUE(page.ok());
    for (const Entry& entry : page->entries) {
      EXPECT_EQ(entry.value, page->entries.front().value);
      EXPECT_EQ(page->entries.size(), 3U);
    }
  }
  writer.join();
}

TEST_P(StoreContract, OneLeaderANameAtATime) {
  auto first = store().Lead("driver", "host:1", absl::Seconds(10));
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE((*first)->held());
  const auto second = store().Lead("driver", "host:2", absl::Seconds(10));
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("host:1"));
  EXPECT_TRUE(store().Lead("other", "host:2", absl::Seconds(10)).ok());
  *first = nullptr;
  EXPECT_TRUE(store().Lead("driver", "host:2", absl::Seconds(10)).ok());
}

// A leader that hangs must lose it, and must see that it has.
TEST_P(StoreContract, LeadershipLapsesWithoutRenewal) {
  auto first = store().Lead("driver", "host:1", absl::Seconds(10));
  ASSERT_TRUE(first.ok());
  engine().clock().Advance(absl::Seconds(9));
  EXPECT_TRUE((*first)->held());  // renews
  engine().clock().Advance(absl::Seconds(9));
  EXPECT_TRUE((*first)->held());
  engine().clock().Advance(absl::Seconds(10));
  auto second = store().Lead("driver", "host:2", absl::Seconds(10));
  ASSERT_TRUE(second.ok());
  EXPECT_FALSE((*first)->held());
  EXPECT_TRUE((*second)->held());
  *first = nullptr;  // must not release the other's
  EXPECT_TRUE((*second)->held());
}

TEST_P(StoreContract, LapsedLeadershipIsLostEvenIfNobodyTookIt) {
  auto first = store().Lead("driver", "host:1", absl::Seconds(10));
  engine().clock().Advance(absl::Seconds(10));
  EXPECT_FALSE((*first)->held());
  EXPECT_FALSE((*first)->held());
}

TEST_P(StoreContract, LeadershipNeedsANameAndATtl) {
  EXPECT_EQ(store().Lead("", "h", absl::Seconds(1)).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store().Lead("n", "h", absl::ZeroDuration()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace sealward::store
