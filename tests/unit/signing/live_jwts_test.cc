// How many JWTs are alive. If this counts too few, a revocation's preview promises that
// fewer honest JWTs die than do.
#include "server/signing/live_jwts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

namespace sealward::signing {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

// Against a list of all signatures, over many lifetimes and gaps.
TEST(SignatureRingTest, NeverCountsTooFewAndAtMostOneBucketTooMany) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  for (const absl::Duration lifetime : {absl::Seconds(31), absl::Hours(1), absl::Hours(24)}) {
    SignatureRing ring(lifetime);
    std::deque<absl::Time> signatures;
    absl::Time now = kStart;
    const absl::Duration slack = lifetime / 31 + absl::Seconds(1);
    const auto since = [&signatures](absl::Time time) {
      return std::count_if(signatures.begin(), signatures.end(),
                           [time](absl::Time each) { return each > time; });
    };
    for (int i = 0; i < 600; ++i) {
      now +=
          lifetime * (static_cast<double>(random() % 1000) / (random() % 20 == 0 ? 300 : 50'000));
      ring.Count(now);
      signatures.push_back(now);
      ASSERT_GE(ring.Live(now), since(now - lifetime)) << i;
      ASSERT_LE(ring.Live(now), since(now - lifetime - slack)) << i;
    }
    EXPECT_EQ(ring.Live(now + lifetime + slack), 0);
  }
}

TEST(SignatureRingTest, LosesNoneBetweenThreads) {
  constexpr int kThreads = 4;
  constexpr int kEach = 20'000;
  SignatureRing ring(absl::Hours(1));
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&ring] {
      for (int n = 0; n < kEach; ++n) ring.Count(kStart);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ring.Live(kStart), kThreads * kEach);
}

TEST(LiveJwtsTest, CountsVersionsApartWithinItsBound) {
  LiveJwts live;
  live.Count("a", absl::Hours(1), kStart);
  live.Count("b", absl::Hours(1), kStart);
  live.Count("b", absl::Hours(1), kStart);
  EXPECT_EQ(live.Live("a", kStart), 1);
  EXPECT_EQ(live.Live("b", kStart), 2);
  EXPECT_EQ(live.Live("none", kStart), 0);
  // One shard full of versions that still have JWTs, and then of others.
  const auto id = [](size_t i) { return absl::StrCat("version ", i, "x"); };
  for (size_t i = 0; i < LiveJwts::kMaxVersionsPerShard; ++i) {
    live.Count(id(i), absl::Hours(1), kStart);
  }
  const std::string one_more = id(LiveJwts::kMaxVersionsPerShard);
  live.Count(one_more, absl::Hours(1), kStart);
  EXPECT_EQ(live.Live(one_more, kStart), 0);
  EXPECT_EQ(live.Live(id(0), kStart), 1);
  const absl::Time later = kStart + absl::Hours(2);
  live.Count(one_more, absl::Hours(1), later);  // those that are dead make room
  EXPECT_EQ(live.Live(one_more, later), 1);
}

}  // namespace
}  // namespace sealward::signing
