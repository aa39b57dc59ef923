// The token bucket. If this goes, a tenant could sign beyond its quota, or be
// locked out of what it was given.
#include "server/quota/bucket.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace sealward::quota {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

int TakeAll(Bucket& bucket, const catalog::Quota& quota, absl::Time now) {
  int taken = 0;
  while (bucket.Take(quota, now)) ++taken;
  return taken;
}

TEST(Bucket, StartsFullAndRefillsAtTheRate) {
  const catalog::Quota quota{10, 3};
  Bucket bucket;
  EXPECT_EQ(TakeAll(bucket, quota, kNow), 3);
  EXPECT_EQ(bucket.Wait(quota, kNow), absl::Milliseconds(100));
  EXPECT_FALSE(bucket.Take(quota, kNow + absl::Milliseconds(100) - absl::Nanoseconds(1)));
  EXPECT_EQ(TakeAll(bucket, quota, kNow + absl::Milliseconds(100)), 1);
  EXPECT_EQ(TakeAll(bucket, quota, kNow + absl::Milliseconds(300)), 2);
  // Never more than the burst, however long nobody came.
  EXPECT_EQ(TakeAll(bucket, quota, kNow + absl::Hours(1000)), 3);
}

TEST(Bucket, ABurstOfOneIsARate) {
  const catalog::Quota quota{1, 1};
  Bucket bucket;
  EXPECT_EQ(TakeAll(bucket, quota, kNow), 1);
  EXPECT_EQ(bucket.Wait(quota, kNow + absl::Milliseconds(400)), absl::Milliseconds(600));
}

TEST(Bucket, ATokenThatIsPutBackWasNeverTaken) {
  const catalog::Quota quota{1, 2};
  Bucket bucket;
  ASSERT_TRUE(bucket.Take(quota, kNow));
  bucket.PutBack(quota);
  EXPECT_EQ(TakeAll(bucket, quota, kNow), 2);
  // Nor does it become a third one.
  bucket.PutBack(quota);
  bucket.PutBack(quota);
  EXPECT_EQ(TakeAll(bucket, quota, kNow), 2);
}

TEST(Bucket, AChangedQuotaHoldsAtOnce) {
  Bucket bucket;
  EXPECT_EQ(TakeAll(bucket, {1, 1000}, kNow), 1000);
  // Smaller: empty, not in debt for a quarter of an hour.
  EXPECT_EQ(bucket.Wait({10, 5}, kNow), absl::Milliseconds(100));
  EXPECT_EQ(TakeAll(bucket, {10, 5}, kNow + absl::Milliseconds(100)), 1);
  // Larger.
  EXPECT_EQ(TakeAll(bucket, {1000, 1000}, kNow + absl::Seconds(2)), 1000);
}

TEST(Bucket, AClockThatJumpsBackLocksNobodyOut) {
  const catalog::Quota quota{10, 5};
  Bucket bucket;
  EXPECT_EQ(TakeAll(bucket, quota, kNow), 5);
  const absl::Time before = kNow - absl::Hours(24);
  EXPECT_EQ(bucket.Wait(quota, before), absl::Milliseconds(100));
  EXPECT_EQ(TakeAll(bucket, quota, before + absl::Milliseconds(100)), 1);
}

TEST(Bucket, TheLargestQuotasDoNotOverflow) {
  for (const catalog::Quota quota :
       {catalog::Quota{1, 10'000'000}, catalog::Quota{1'000'000, 10'000'000}}) {
    Bucket bucket;
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(bucket.Take(quota, kNow));
    for (int i = 0; i < 1000; ++i) bucket.PutBack(quota);
    EXPECT_EQ(bucket.Wait(quota, kNow), absl::ZeroDuration());
  }
  Bucket bucket;
  EXPECT_EQ(TakeAll(bucket, {1'000'000, 1000}, absl::FromUnixSeconds(6'000'000'000)), 1000);
}

// What the quota promises, over any history: within no span of time more than
// burst + rate × span; and whoever waits as long as it says gets one.
RC_GTEST_PROP(BucketProperties, BoundsEverySpanAndKeepsItsWord, ()) {
  const catalog::Quota quota{*rc::gen::inRange<int64_t>(1, 5000),
                             *rc::gen::inRange<int64_t>(1, 40)};
  Bucket bucket;
  absl::Time now = kNow;
  std::vector<absl::Time> taken;
  for (const int step_us :
       *rc::gen::container<std::vector<int>>(200, rc::gen::inRange(0, 20'000))) {
    now += absl::Microseconds(step_us);
    const absl::Duration wait = bucket.Wait(quota, now);
    if (bucket.Take(quota, now)) {
      RC_ASSERT(wait == absl::ZeroDuration());
      taken.push_back(now);
      continue;
    }
    RC_ASSERT(wait > absl::ZeroDuration());
    RC_ASSERT(wait <= absl::Seconds(1) / quota.per_second + absl::Nanoseconds(1));
    now += wait;
    RC_ASSERT(bucket.Take(quota, now));
    taken.push_back(now);
  }
  for (size_t first = 0; first < taken.size(); ++first) {
    for (size_t last = first; last < taken.size(); ++last) {
      const double span_s = absl::ToDoubleSeconds(taken[last] - taken[first]);
      const double most =
          static_cast<double>(quota.burst) + span_s * static_cast<double>(quota.per_second) + 1e-6;
      RC_ASSERT(static_cast<double>(last - first + 1) <= most);
    }
  }
}

TEST(Bucket, ThreadsTogetherGetNoMore) {
  const catalog::Quota quota{1, 10'000};
  Bucket bucket;
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { taken += TakeAll(bucket, quota, kNow); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 10'000);
}

}  // namespace
}  // namespace sealward::quota
