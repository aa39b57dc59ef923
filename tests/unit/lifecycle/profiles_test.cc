// If this goes, a profile may promise less than its validators' caches need.
#include "server/lifecycle/profiles.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sealward::lifecycle {
namespace {

constexpr absl::Duration kMaxAge = absl::Minutes(5);
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

TEST(ProfilesTest, AreFoundByTheirNumber) {
  for (const ValidatorProfile& profile : AllProfiles()) {
    EXPECT_EQ(FindProfile(profile.profile).name, profile.name);
    EXPECT_FALSE(profile.classes.empty());
  }
  EXPECT_EQ(FindProfile(static_cast<Profile>(99)).profile, Profile::kDefault);
  EXPECT_EQ(FindProfile(Profile::kAws).max_jwks_keys, 10);  // ALB
}

// INTEROP's numbers, and a minute for the way there.
TEST(ProfilesTest, PropagationTimes) {
  const auto of = [](Profile profile, absl::Duration max_age) {
    return PropagationTime(FindProfile(profile), max_age);
  };
  EXPECT_EQ(of(Profile::kDefault, kMaxAge), absl::Minutes(21));
  EXPECT_EQ(of(Profile::kDefault, absl::Hours(1)), absl::Minutes(61));
  EXPECT_EQ(of(Profile::kAws, kMaxAge), absl::Minutes(121));
  EXPECT_EQ(of(Profile::kDotnet, kMaxAge), absl::Hours(12) + absl::Minutes(1));
  EXPECT_EQ(of(Profile::kIstioCdn, kMaxAge), absl::Minutes(26));
}

// A cache that does not fetch for an unknown kid must have run out by then.
TEST(ProfilesTest, EveryClassHasANewKeyInTime) {
  for (const ValidatorProfile& profile : AllProfiles()) {
    const absl::Duration shared = profile.shared_cache ? kMaxAge : absl::ZeroDuration();
    for (const CacheClass& cache : profile.classes) {
      const absl::Duration ttl = cache.follows_max_age ? kMaxAge : cache.ttl;
      const absl::Duration wait = cache.refetches_on_miss && !cache.kept_until_miss
                                      ? std::min(ttl, cache.miss_cooldown)
                                      : ttl;
      EXPECT_LT(wait + shared, PropagationTime(profile, kMaxAge)) << cache.validators;
    }
  }
}

TEST(TrustedUntilTest, AsLongAsTheCacheKeepsIt) {
  const ValidatorProfile& plain = FindProfile(Profile::kDefault);
  const ValidatorProfile& shared = FindProfile(Profile::kIstioCdn);
  const CacheClass ten = {"", absl::Minutes(10), false, true, absl::ZeroDuration()};
  const CacheClass follower = {"", absl::ZeroDuration(), true, true, absl::ZeroDuration()};
  EXPECT_EQ(TrustedUntil(plain, ten, kMaxAge, kNow), kNow + absl::Minutes(11));
  EXPECT_EQ(TrustedUntil(plain, follower, kMaxAge, kNow), kNow + kMaxAge + absl::Minutes(1));
  EXPECT_EQ(TrustedUntil(shared, ten, kMaxAge, kNow), kNow + absl::Minutes(11) + kMaxAge);
}

// Measured with aws-jwt-verify, and run against a kube-apiserver (INTEROP).
TEST(TrustedUntilTest, ForEverWhereOnlyAMissEndsIt) {
  int for_ever = 0;
  const ValidatorProfile& profile = FindProfile(Profile::kDefault);
  for (const CacheClass& cache : profile.classes) {
    const absl::Time until = TrustedUntil(profile, cache, kMaxAge, kNow);
    if (until != absl::InfiniteFuture()) continue;
    EXPECT_TRUE(cache.refetches_on_miss) << cache.validators;
    ++for_ever;
  }
  EXPECT_EQ(for_ever, 2);
}

}  // namespace
}  // namespace sealward::lifecycle
