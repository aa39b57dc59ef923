// If this goes, a policy that cannot be kept, or defaults that nobody meant, get through.
#include "server/lifecycle/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/lifecycle/moments.h"

namespace sealward::lifecycle {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Rules(const RotationPolicy& policy, int others = 0, int most = 20) {
  std::vector<std::string> rules;
  for (const PolicyProblem& problem : CheckPolicy(policy, kCache, others, most)) {
    EXPECT_EQ(problem.field.substr(0, 16), "rotation_policy.");
    EXPECT_FALSE(problem.description.empty());
    rules.emplace_back(problem.rule);
  }
  return rules;
}

TEST(WithDefaultsTest, HardEndIsTwiceThePeriod) {
  const RotationPolicy policy = Monthly();
  EXPECT_EQ(policy.max_signing_time, 2 * kPeriod);
  EXPECT_EQ(policy.max_standby_time, 2 * kPeriod);
  EXPECT_EQ(policy.destroy_after, absl::InfiniteDuration());
  EXPECT_EQ(policy.recovery_window, kDefaultRecoveryWindow);
}

// Even a key that nobody rotates stops some day.
TEST(WithDefaultsTest, RotatedByHandItStillHasAHardEnd) {
  RotationPolicy policy;
  policy.rotation_period = policy.max_signing_time = policy.max_standby_time = absl::ZeroDuration();
  policy = WithDefaults(policy);
  EXPECT_EQ(policy.rotation_period, absl::InfiniteDuration());
  EXPECT_EQ(policy.max_signing_time, kLongestSigningTime);
  EXPECT_THAT(Rules(policy), IsEmpty());
}

TEST(WithDefaultsTest, EveryDefaultCanBeKept) {
  EXPECT_THAT(Rules(Monthly()), IsEmpty());
  RotationPolicy longest = Monthly();
  longest.rotation_period = kLongestRotationPeriod;
  longest.max_signing_time = longest.max_standby_time = absl::ZeroDuration();
  EXPECT_THAT(Rules(WithDefaults(longest)), IsEmpty());
}

TEST(JwksNeedTest, TwoAndThoseThatStillVerify) {
  RotationPolicy policy = Monthly();
  EXPECT_EQ(JwksNeed(policy, kCache), 3);
  policy.rotation_period = kRetention;
  EXPECT_EQ(JwksNeed(policy, kCache), 3);
  policy.rotation_period = kRetention - absl::Seconds(1);
  EXPECT_EQ(JwksNeed(policy, kCache), 4);
}

// The hard end rotates as well: a seed of tests/sim found more versions than this said.
TEST(JwksNeedTest, WithoutAPeriodTheHardEndCounts) {
  RotationPolicy policy = Monthly();
  policy.rotation_period = absl::InfiniteDuration();
  EXPECT_EQ(JwksNeed(policy, kCache), 3);
  policy.max_signing_time = kRetention / 2 + kSwitchLead;
  policy.max_standby_time = 2 * kRetention;
  EXPECT_EQ(JwksNeed(policy, kCache), 4);
}

TEST(JwksNeedTest, AReplacedSuccessorStaysForAWhile) {
  RotationPolicy policy = Monthly();
  policy.rotation_period = absl::InfiniteDuration();
  policy.max_standby_time = kDay;
  EXPECT_EQ(JwksNeed(policy, kCache), 4);
}

TEST(CheckPolicyTest, DurationsOutOfRange) {
  for (const absl::Duration bad :
       {absl::ZeroDuration(), -absl::Seconds(1), absl::Milliseconds(1500),
        -absl::InfiniteDuration(), absl::Hours(24 * 10'000)}) {
    for (const auto field : {&RotationPolicy::rotation_period, &RotationPolicy::max_signing_time,
                             &RotationPolicy::max_standby_time, &RotationPolicy::destroy_after,
                             &RotationPolicy::recovery_window}) {
      RotationPolicy policy = Monthly();
      policy.*field = bad;
      EXPECT_THAT(Rules(policy), ElementsAre("DURATION_OUT_OF_RANGE"));
    }
  }
}

TEST(CheckPolicyTest, OnlyRotationAndDestructionMayBeNever) {
  for (const auto field : {&RotationPolicy::max_signing_time, &RotationPolicy::max_standby_time,
                           &RotationPolicy::recovery_window}) {
    RotationPolicy policy = Monthly();
    policy.*field = absl::InfiniteDuration();
    EXPECT_THAT(Rules(policy), ElementsAre("DURATION_OUT_OF_RANGE"));
  }
}

TEST(CheckPolicyTest, RecoveryWindowHasALeast) {
  RotationPolicy policy = Monthly();
  policy.recovery_window = kLeastRecoveryWindow;
  EXPECT_THAT(Rules(policy), IsEmpty());
  policy.recovery_window -= absl::Seconds(1);
  EXPECT_THAT(Rules(policy), ElementsAre("DURATION_OUT_OF_RANGE"));
}

// A whole life in seconds, with the margins that production refuses, and only with those.
TEST(CheckPolicyTest, WhatIsTooShortFollowsTheMargins) {
  CachePolicy cache{absl::Seconds(4), absl::Seconds(6)};
  RotationPolicy policy;
  policy.rotation_period = cache.propagation_time + kDevelopmentMargin;
  policy.max_signing_time = policy.rotation_period + cache.propagation_time + kDevelopmentMargin;
  policy.max_standby_time = policy.rotation_period + kDevelopmentMargin;
  policy.recovery_window = kDevelopmentMargin;
  EXPECT_FALSE(CheckPolicy(policy, cache, 0, 20).empty());
  cache.margins = Margins::ForDevelopment();
  EXPECT_TRUE(CheckPolicy(policy, cache, 0, 20).empty());
  for (const auto field : {&RotationPolicy::rotation_period, &RotationPolicy::max_signing_time,
                           &RotationPolicy::max_standby_time, &RotationPolicy::recovery_window}) {
    RotationPolicy shorter = policy;
    shorter.*field -= absl::Seconds(1);
    EXPECT_FALSE(CheckPolicy(shorter, cache, 0, 20).empty());
  }
}

TEST(CheckPolicyTest, ASuccessorMustGetReadyWithinAPeriod) {
  RotationPolicy policy = Monthly();
  policy.rotation_period = kPropagation + kPlanSlack;
  EXPECT_THAT(Rules(policy), IsEmpty());
  policy.rotation_period -= absl::Seconds(1);
  EXPECT_THAT(Rules(policy), ElementsAre("PERIOD_BELOW_PROPAGATION"));
}

TEST(CheckPolicyTest, TheHardEndLeavesTimeForALateSuccessor) {
  RotationPolicy policy = Monthly();
  policy.max_signing_time = kPeriod + kPropagation + kPlanSlack;
  EXPECT_THAT(Rules(policy), IsEmpty());
  policy.max_signing_time -= absl::Seconds(1);
  EXPECT_THAT(Rules(policy), ElementsAre("SIGNING_TIME_BELOW_PERIOD"));
  policy.rotation_period = absl::InfiniteDuration();
  policy.max_signing_time = kPropagation;
  EXPECT_THAT(Rules(policy), ElementsAre("SIGNING_TIME_BELOW_PERIOD"));
}

TEST(CheckPolicyTest, AStandbyWaitsForAWholePeriod) {
  RotationPolicy policy = Monthly();
  policy.max_standby_time = kPeriod + kPlanSlack;
  EXPECT_THAT(Rules(policy), IsEmpty());
  policy.max_standby_time -= absl::Seconds(1);
  EXPECT_THAT(Rules(policy), ElementsAre("STANDBY_TIME_BELOW_PERIOD"));
}

TEST(CheckPolicyTest, AReplacementGetsReadyBeforeAnotherOneIsDue) {
  RotationPolicy policy = Monthly();
  policy.rotation_period = absl::InfiniteDuration();
  policy.max_standby_time = kPropagation + 2 * kPlanSlack;
  EXPECT_THAT(Rules(policy), IsEmpty());
  policy.max_standby_time -= absl::Seconds(1);
  EXPECT_THAT(Rules(policy), ElementsAre("STANDBY_TIME_BELOW_PERIOD"));
}

TEST(CheckPolicyTest, TheJwksHasRoomForAll) {
  EXPECT_THAT(Rules(Monthly(), 7, 10), IsEmpty());
  EXPECT_THAT(Rules(Monthly(), 8, 10), ElementsAre("JWKS_TOO_LARGE"));
}

}  // namespace
}  // namespace sealward::lifecycle
