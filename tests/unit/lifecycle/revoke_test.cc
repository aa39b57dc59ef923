// If this goes, a stolen key may stay published, sign, or be trusted for ever by caches
// that fetch on an unknown kid only.
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "server/lifecycle/intervene.h"
#include "server/lifecycle/plan.h"
#include "tests/unit/lifecycle/moments.h"

namespace sealward::lifecycle {
namespace {

using Indices = std::vector<size_t>;

Revocation RevokeOf(const KeyCourse& course, const Indices& which,
                    WithoutStandby choice = WithoutStandby::kRefuse) {
  return Revoke(course, which, choice, kNow);
}

TEST(RevokeTest, PromotesTheStandbyAtOnce) {
  const KeyCourse course = Monthly({Signing(kNow - kDay), Standby()});
  const Revocation result = RevokeOf(course, {0});
  EXPECT_EQ(result.revoked, Indices{0});
  EXPECT_EQ(result.promoted, 1U);
  EXPECT_FALSE(result.unready);
  EXPECT_FALSE(result.unserved);
  EXPECT_EQ(StateAt(result.versions[0], kNow), State::kRevoked);
  EXPECT_FALSE(IsPublished(State::kRevoked));
  EXPECT_EQ(SigningVersionAt(result.versions, kNow), 1U);
}

// Caches that hold the revoked key and the standby would never miss.
TEST(RevokeTest, AFreshVersionTakesOverOnceReady) {
  KeyCourse course = Monthly({Signing(kNow - kDay), Standby(), Staged()});
  course.versions = RevokeOf(course, {0}).versions;
  EXPECT_TRUE(AwaitsFreshVersion(course, kNow));
  EXPECT_FALSE(PlanRotation(course, kNow));  // version 3 is in caches with the revoked one
  EXPECT_TRUE(PlanStep(course, kNow).add_successor);
  course.versions.emplace_back();
  const absl::Time later = kNow + absl::Seconds(1);
  course.versions[3] = TimesOfNewVersion(course, 3, later);
  const Step step = PlanStep(course, later);
  ASSERT_TRUE(step.rotate);
  EXPECT_EQ(step.rotate->successor, 3U);
  EXPECT_EQ(step.rotate->at, later + kPropagation);
  course.versions = step.rotate->versions;
  EXPECT_FALSE(AwaitsFreshVersion(course, step.rotate->at));
}

// Else one after the other would be staged, none of them fresh enough.
TEST(RevokeTest, TheFreshVersionIsFreshWithinTheSameInstant) {
  KeyCourse course = Monthly({Signing(kNow - kDay), Standby()});
  course.versions = RevokeOf(course, {0}).versions;
  course.versions.emplace_back();
  course.versions[2] = TimesOfNewVersion(course, 2, kNow);
  EXPECT_GT(course.versions[2].publish, FreshAfter(course));
  EXPECT_FALSE(PlanStep(course, kNow).add_successor);
}

// Also where it did not sign: caches hold it all the same.
TEST(RevokeTest, AnyPublishedVersionAsksForAFreshOne) {
  for (const size_t i : {0U, 2U}) {
    KeyCourse course = Monthly({Retired(kNow), Signing(kNow), Standby()});
    const Revocation result = RevokeOf(course, {i});
    EXPECT_EQ(result.promoted, std::nullopt);
    EXPECT_FALSE(result.unserved);
    course.versions = result.versions;
    EXPECT_TRUE(AwaitsFreshVersion(course, kNow));
    EXPECT_LE(RotationDue(course, kNow), kNow);
  }
}

TEST(RevokeTest, WhatEveryCacheHasDroppedAsksForNothing) {
  // What signs was published after its withdrawal: its first JWT was a miss.
  KeyCourse course = Monthly({Retired(kNow - 30 * kDay), Signing(kNow - kDay)});
  course.versions = RevokeOf(course, {0}).versions;
  EXPECT_FALSE(AwaitsFreshVersion(course, kNow));
  EXPECT_LE(course.versions[0].fresh_after, course.versions[0].withdraw);
}

TEST(RevokeTest, APauseDoesNotHoldTheFreshVersionBack) {
  KeyCourse course = Monthly({Signing(kNow - kDay), Standby()});
  course.pause = PauseTimes{kNow - kDay, kNow + 10 * kDay};
  course.versions = RevokeOf(course, {0}).versions;
  EXPECT_EQ(SigningVersionAt(course.versions, kNow), 1U);
  EXPECT_LE(RotationDue(course, kNow), kNow);
}

TEST(RevokeTest, WithoutStandbyItSignsNothingUntilOneIsReady) {
  const KeyCourse course = Monthly({Signing(kNow - kDay), Staged()});
  const Revocation result = RevokeOf(course, {0});
  EXPECT_EQ(result.promoted, std::nullopt);
  EXPECT_TRUE(result.unserved);
  EXPECT_EQ(result.served_again, course.versions[1].standby);
  EXPECT_EQ(SigningVersionAt(result.versions, kNow), std::nullopt);
  EXPECT_EQ(SigningVersionAt(result.versions, result.served_again), 1U);
}

TEST(RevokeTest, ActivateUnreadySignsNowAndSaysSo) {
  const KeyCourse course = Monthly({Signing(kNow - kDay), Staged()});
  const Revocation result = RevokeOf(course, {0}, WithoutStandby::kActivateUnready);
  EXPECT_EQ(result.promoted, 1U);
  EXPECT_TRUE(result.unready);
  EXPECT_FALSE(result.unserved);
  EXPECT_TRUE(result.versions[1].unready);
  EXPECT_EQ(SigningVersionAt(result.versions, kNow), 1U);
}

TEST(RevokeTest, ActivateUnreadyStillPrefersAStandby) {
  const KeyCourse course = Monthly({Signing(kNow - kDay), Standby(), Staged()});
  const Revocation result = RevokeOf(course, {0}, WithoutStandby::kActivateUnready);
  EXPECT_EQ(result.promoted, 1U);
  EXPECT_FALSE(result.unready);
}

TEST(RevokeTest, AnExpiredOrSuspendedStandbyIsNotPromoted) {
  for (const bool expired : {true, false}) {
    KeyCourse course = Monthly({Signing(kNow - kDay), Standby()});
    (expired ? course.versions[1].activate_by : course.versions[1].suspend) = kNow;
    const Revocation result = RevokeOf(course, {0});
    EXPECT_EQ(result.promoted, std::nullopt);
    EXPECT_TRUE(result.unserved);
    EXPECT_EQ(result.served_again, kNever);
  }
}

// Two versions would be ACTIVE at once.
TEST(RevokeTest, TheStandbyTakesThePlaceOfAPlannedSwitchToo) {
  KeyCourse course = Monthly({Signing(kNow - kDay), Staged()});
  course.versions = PlanRotation(course, kNow)->versions;
  const absl::Time at = course.versions[1].activate;
  course.versions.push_back(Standby());  // enabled again meanwhile
  const Revocation result = RevokeOf(course, {0});
  EXPECT_EQ(result.promoted, 2U);
  EXPECT_EQ(StateAt(result.versions[1], at), State::kStandby);
  EXPECT_EQ(StateAt(result.versions[2], at), State::kActive);
}

TEST(RevokeTest, OfThePlannedSuccessorTheOtherOneGoesOn) {
  KeyCourse course = Monthly({Signing(kNow - kDay), Staged()});
  course.versions = PlanRotation(course, kNow)->versions;
  const absl::Time at = course.versions[1].activate;
  const Revocation result = RevokeOf(course, {1});
  EXPECT_EQ(result.versions[0].retire, kNever);
  EXPECT_EQ(SigningVersionAt(result.versions, at), 0U);
}

TEST(RevokeTest, AWholeKeyComesBackWithANewVersion) {
  KeyCourse course = Monthly({Retired(kNow), Signing(kNow), Standby(), VersionTimes{}});
  const Revocation result = RevokeOf(course, {0, 1, 2, 3});
  EXPECT_EQ(result.revoked, (Indices{0, 1, 2, 3}));
  EXPECT_TRUE(result.unserved);
  course.versions = result.versions;
  const Step step = PlanStep(course, kNow);
  EXPECT_TRUE(step.add_successor);
  EXPECT_FALSE(step.generate);
  course.versions.emplace_back();
  const VersionTimes next = TimesOfNewVersion(course, 4, kNow + absl::Seconds(1));
  EXPECT_EQ(next.activate, next.standby);
  EXPECT_EQ(next.standby, next.publish + kPropagation);
}

TEST(RevokeTest, OnceMoreChangesNothing) {
  KeyCourse course = Monthly({Signing(kNow - kDay), Standby()});
  course.versions = RevokeOf(course, {0}).versions;
  const Revocation again =
      Revoke(course, Indices{0}, WithoutStandby::kRefuse, kNow + absl::Hours(1));
  EXPECT_TRUE(again.revoked.empty());
  EXPECT_EQ(again.versions, course.versions);
}

// The key pair goes as it was to, and REVOKED covers that.
TEST(RevokeTest, WhatWaitsForDestructionGoesOnWaiting) {
  KeyCourse course = Monthly({Withdrawn()});
  course.versions = ScheduleDestroy(course, 0, kNow - kDay);
  const Revocation result = RevokeOf(course, {0});
  EXPECT_EQ(StateAt(result.versions[0], kNow), State::kRevoked);
  EXPECT_EQ(result.versions[0].destroy_due, course.versions[0].destroy_due);
}

}  // namespace
}  // namespace sealward::lifecycle
