// If this goes, so does the proof of what a switch writes: hard ends with the first
// signature, an end for every other version, and taking all of it back.
#include "server/lifecycle/course.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "tests/unit/lifecycle/moments.h"

namespace sealward::lifecycle {
namespace {

TEST(IsPausedTest, HoldsFromStartUntilExpire) {
  KeyCourse course;
  EXPECT_FALSE(IsPaused(course, kNow));
  course.pause = PauseTimes{kNow, kNow + kDay};
  EXPECT_FALSE(IsPaused(course, kNow - absl::Nanoseconds(1)));
  EXPECT_TRUE(IsPaused(course, kNow));
  EXPECT_TRUE(IsPaused(course, kNow + kDay - absl::Nanoseconds(1)));
  EXPECT_FALSE(IsPaused(course, kNow + kDay));
}

// Caches keep what they fetched as long as was promised when they fetched it.
TEST(EarlierPromiseTest, AShorterPromiseLetsTheLongerOneRunOut) {
  EXPECT_EQ(EarlierPromise(kCache, absl::Minutes(5), kNow), kNow + kPropagation);
}

TEST(EarlierPromiseTest, ALongerPromiseLeavesNothingBehind) {
  EXPECT_EQ(EarlierPromise(kCache, kDay, kNow), absl::InfinitePast());
  EXPECT_EQ(EarlierPromise(kCache, kPropagation, kNow), absl::InfinitePast());
}

TEST(EarlierPromiseTest, TheLongestThatStillRunsCounts) {
  CachePolicy from = kCache;
  from.earlier_promise_until = kNow + kDay;
  EXPECT_EQ(EarlierPromise(from, absl::Minutes(5), kNow), kNow + kDay);
  EXPECT_EQ(EarlierPromise(from, 2 * kDay, kNow), kNow + kDay);
}

TEST(EarlierPromiseTest, NobodyCachesWhatWasNeverPublished) {
  CachePolicy from = kCache;
  from.never_published = true;
  EXPECT_EQ(EarlierPromise(from, absl::Minutes(5), kNow), absl::InfinitePast());
}

// A JWT that was signed right before the switch lives on, by whatever clock.
TEST(RetentionTimeTest, IsAJwtsLifeAndTheMargins) {
  CachePolicy cache = kCache;
  EXPECT_EQ(RetentionTime(cache), cache.max_jwt_lifetime + kClockSkew + kRetireSafety);
  cache.margins = Margins::ForDevelopment();
  EXPECT_EQ(RetentionTime(cache), cache.max_jwt_lifetime + 2 * kDevelopmentMargin);
}

TEST(CurrentVersionTest, IsTheLastToHaveBegun) {
  EXPECT_EQ(CurrentVersion(Monthly({}), kNow), std::nullopt);
  EXPECT_EQ(CurrentVersion(Monthly({Standby()}), kNow), std::nullopt);
  EXPECT_EQ(CurrentVersion(Monthly({Retired(kNow), Signing(kNow), Standby()}), kNow), 1U);
}

// It is still the one to be replaced, and to be revoked with consequences.
TEST(CurrentVersionTest, SuspendedOrPastItsEndItIsStillCurrent) {
  VersionTimes times = Signing(kNow - kDay);
  times.suspend = kNow;
  EXPECT_EQ(CurrentVersion(Monthly({times}), kNow), 0U);
  times = Signing(kNow - 2 * kPeriod);
  ASSERT_EQ(times.sign_until, kNow);
  EXPECT_EQ(CurrentVersion(Monthly({times}), kNow), 0U);
  EXPECT_EQ(CurrentVersion(Monthly({times}), times.publish_until), std::nullopt);
  times = Signing(kNow - kDay);
  times.revoke = kNow;
  EXPECT_EQ(CurrentVersion(Monthly({times}), kNow), std::nullopt);
}

TEST(WillSignTest, OnlyWhatIsPlannedAndNotStopped) {
  VersionTimes times = Staged();
  EXPECT_FALSE(WillSign(times, kNow));
  Activate(Monthly({}), times.standby, times);
  EXPECT_TRUE(WillSign(times, kNow));
  EXPECT_TRUE(WillSign(times, times.publish - absl::Nanoseconds(1)));  // about to be published
  EXPECT_FALSE(WillSign(times, times.activate));
  times.suspend = kNow;
  EXPECT_FALSE(WillSign(times, kNow));
}

TEST(CanFollowTest, WhatWaitsAndIsNotTooOld) {
  EXPECT_TRUE(CanFollow(VersionTimes{}, kNow));
  EXPECT_TRUE(CanFollow(Staged(), kNow));
  VersionTimes times = Standby();
  EXPECT_TRUE(CanFollow(times, kNow));
  EXPECT_TRUE(CanFollow(times, times.activate_by - absl::Nanoseconds(1)));
  EXPECT_FALSE(CanFollow(times, times.activate_by));
  times.suspend = kNow;
  EXPECT_FALSE(CanFollow(times, kNow));
  EXPECT_FALSE(CanFollow(Signing(kNow), kNow));
  times = Standby();
  times.revoke = kNow;
  EXPECT_FALSE(CanFollow(times, kNow));
}

// The ends hold without anybody planning them.
TEST(ActivateTest, SetsTheHardEnds) {
  const VersionTimes times = Signing(kNow);
  EXPECT_EQ(times.activate, kNow);
  EXPECT_EQ(times.sign_until, kNow + 2 * kPeriod);
  EXPECT_EQ(times.publish_until, times.sign_until + kRetention);
  EXPECT_EQ(StateAt(times, times.sign_until - absl::Nanoseconds(1)), State::kActive);
  EXPECT_EQ(StateAt(times, times.sign_until), State::kVerifyOnly);
  EXPECT_EQ(StateAt(times, times.publish_until), State::kWithdrawn);
}

TEST(RetireOthersTest, EndsWhatSignsAndLeavesTheRest) {
  const KeyCourse course = Monthly({Withdrawn(), Signing(kNow - kDay), Standby()});
  std::vector<VersionTimes> versions = course.versions;
  RetireOthers(course, 2, kNow, versions);
  EXPECT_EQ(versions[0], course.versions[0]);
  EXPECT_EQ(versions[1].retire, kNow);
  EXPECT_EQ(versions[1].withdraw, kNow + kRetention);
  EXPECT_EQ(versions[2], course.versions[2]);
}

TEST(RetireOthersTest, ASuspendedVersionsTimersRunToo) {
  KeyCourse course = Monthly({Signing(kNow - kDay), Standby()});
  course.versions[0].suspend = kNow;
  std::vector<VersionTimes> versions = course.versions;
  RetireOthers(course, 1, kNow, versions);
  EXPECT_EQ(versions[0].retire, kNow);
}

// Else two versions sign once a longer max_signing_time puts the hard end off.
TEST(RetireOthersTest, AlsoWhatHasItsHardEndBefore) {
  KeyCourse course = Monthly({Signing(kNow - kDay), Standby()});
  VersionTimes& ending = course.versions[0];
  ending.sign_until = kNow + absl::Seconds(1);
  ending.publish_until = kNow + absl::Minutes(1);
  const absl::Time at = kNow + absl::Minutes(2);
  ASSERT_EQ(StateAt(ending, at), State::kWithdrawn);
  RetireOthers(course, 1, at, course.versions);
  EXPECT_EQ(ending.retire, at);
}

TEST(UnplanTest, IsTheOppositeOfASwitch) {
  const KeyCourse course = Monthly({Signing(kNow - kDay), Staged()});
  std::vector<VersionTimes> versions = course.versions;
  const absl::Time at = versions[1].standby;
  Activate(course, at, versions[1]);
  RetireOthers(course, 1, at, versions);
  Unplan(1, kNow, versions);
  EXPECT_EQ(versions, course.versions);
}

// A switch that is planned for later than the hard end leaves no end of its own behind.
TEST(UnplanTest, AlsoWhereTheHardEndComesFirst) {
  KeyCourse course = Monthly({Signing(kNow - kDay), Staged()});
  course.versions[0].sign_until = kNow + absl::Minutes(5);
  std::vector<VersionTimes> versions = course.versions;
  const absl::Time at = versions[1].standby;
  ASSERT_GT(at, versions[0].sign_until);
  Activate(course, at, versions[1]);
  RetireOthers(course, 1, at, versions);
  EXPECT_EQ(StateAt(versions[0], versions[0].sign_until), State::kVerifyOnly);
  Unplan(1, kNow, versions);
  EXPECT_EQ(versions, course.versions);
}

TEST(UnplanTest, WhatHasRetiredStaysSo) {
  const KeyCourse course = Monthly({Retired(kNow - absl::Minutes(1)), Staged()});
  std::vector<VersionTimes> versions = course.versions;
  Activate(course, versions[1].standby, versions[1]);
  Unplan(1, kNow, versions);
  EXPECT_EQ(versions, course.versions);
}

TEST(FreshAfterTest, IsTheLatestRevocations) {
  KeyCourse course = Monthly({Withdrawn(), Signing(kNow - kDay)});
  EXPECT_EQ(FreshAfter(course), absl::InfinitePast());
  EXPECT_FALSE(AwaitsFreshVersion(course, kNow));
  course.versions[0].fresh_after = course.versions[1].publish;
  EXPECT_TRUE(AwaitsFreshVersion(course, kNow));  // a cache may have fetched both at once
  course.versions[0].fresh_after -= absl::Nanoseconds(1);
  EXPECT_FALSE(AwaitsFreshVersion(course, kNow));
}

}  // namespace
}  // namespace sealward::lifecycle
