#include "server/lifecycle/plan.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "tests/unit/lifecycle/course.h"

namespace sealward::lifecycle {
namespace {

constexpr absl::Time kNever = absl::InfiniteFuture();
constexpr absl::Duration kPropagation = absl::Minutes(20);
constexpr absl::Duration kLifetime = absl::Hours(1);
const CachePolicy kPolicy = {kPropagation, kLifetime, false};
const CachePolicy kFirstOfIssuer = {kPropagation, kLifetime, true};
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

VersionTimes Staged(absl::Time publish) { return {publish, publish + kPropagation}; }

VersionTimes Active(absl::Time since) { return {since, since, since}; }

// A change of the sum would cut honest JWTs off, or keep dead keys published.
TEST(RetentionTimeTest, CoversTheLongestJwtAndSkew) {
  EXPECT_EQ(RetentionTime(kPolicy), absl::Hours(1) + absl::Seconds(90));
}

// Nobody caches an issuer that was never served: waiting would only delay its first JWT.
TEST(TimesOfNewVersionTest, FirstVersionOfAnUnpublishedIssuerSignsAtOnce) {
  EXPECT_EQ(TimesOfNewVersion(kFirstOfIssuer, true, kNow), (VersionTimes{kNow, kNow, kNow}));
}

// Caches of a published issuer do not know the new key yet: it signs when they do.
TEST(TimesOfNewVersionTest, FirstVersionOfAPublishedIssuerWaitsForCaches) {
  const absl::Time ready = kNow + kPropagation;
  EXPECT_EQ(TimesOfNewVersion(kPolicy, true, kNow), (VersionTimes{kNow, ready, ready}));
}

// A successor never takes over by itself.
TEST(TimesOfNewVersionTest, SuccessorWaitsForASwitch) {
  EXPECT_EQ(TimesOfNewVersion(kPolicy, false, kNow),
            (VersionTimes{kNow, kNow + kPropagation, kNever}));
  EXPECT_EQ(TimesOfNewVersion(kFirstOfIssuer, false, kNow),
            (VersionTimes{kNow, kNow + kPropagation, kNever}));
}

TEST(PlanRotationTest, NothingToSwitchTo) {
  EXPECT_FALSE(PlanRotation({}, kPolicy, kNow));
  EXPECT_FALSE(PlanRotation(std::vector{VersionTimes{}}, kPolicy, kNow));
  EXPECT_FALSE(PlanRotation(std::vector{Active(kNow)}, kPolicy, kNow));
  EXPECT_FALSE(PlanRotation(std::vector{Active(kNow), VersionTimes{}}, kPolicy, kNow));
}

TEST(PlanRotationTest, SwitchesToAStandbyAtOnce) {
  const std::vector versions = {Active(kNow - absl::Hours(5)), Staged(kNow - kPropagation)};
  const auto planned = PlanRotation(versions, kPolicy, kNow);
  ASSERT_TRUE(planned);
  EXPECT_EQ(planned->predecessor, 0U);
  EXPECT_EQ(planned->successor, 1U);
  EXPECT_EQ(planned->at, kNow);
  EXPECT_FALSE(planned->already_planned);
  EXPECT_EQ(planned->versions[planned->successor].activate, kNow);
  EXPECT_EQ(planned->versions[planned->successor].retire, kNever);
  EXPECT_EQ(planned->versions[*planned->predecessor].retire, kNow);
  EXPECT_EQ(planned->versions[*planned->predecessor].withdraw, kNow + RetentionTime(kPolicy));
}

// The switch waits for the last cache; the old version signs until that moment.
TEST(PlanRotationTest, SwitchesToAStagedVersionWhenItIsStandby) {
  const absl::Time published = kNow - absl::Minutes(5);
  const std::vector versions = {Active(kNow - absl::Hours(5)), Staged(published)};
  const auto planned = PlanRotation(versions, kPolicy, kNow);
  ASSERT_TRUE(planned);
  const absl::Time at = published + kPropagation;
  EXPECT_EQ(planned->at, at);
  EXPECT_EQ(planned->versions[planned->successor].activate, at);
  EXPECT_EQ(planned->versions[*planned->predecessor].retire, at);
  EXPECT_EQ(planned->versions[*planned->predecessor].withdraw, at + RetentionTime(kPolicy));
  EXPECT_EQ(StateAt(planned->versions[*planned->predecessor], at - absl::Nanoseconds(1)),
            State::kActive);
  EXPECT_EQ(StateAt(planned->versions[planned->successor], at - absl::Nanoseconds(1)),
            State::kStaged);
  EXPECT_EQ(StateAt(planned->versions[planned->successor], at), State::kActive);
}

// While a switch is planned, the next successor is staged already; it must not be pulled in.
TEST(PlanRotationTest, ReturnsAPlannedSwitchUntilItIsReached) {
  std::vector versions = {Active(kNow - absl::Hours(5)), Staged(kNow)};
  const auto planned = PlanRotation(versions, kPolicy, kNow);
  versions[0] = planned->versions[*planned->predecessor];
  versions[1] = planned->versions[planned->successor];
  versions.push_back(Staged(kNow));
  const auto again = PlanRotation(versions, kPolicy, planned->at - absl::Nanoseconds(1));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->already_planned);
  EXPECT_EQ(again->successor, 1U);
  EXPECT_EQ(again->predecessor, 0U);
  EXPECT_EQ(again->versions, versions);

  const auto next = PlanRotation(versions, kPolicy, planned->at);
  ASSERT_TRUE(next);
  EXPECT_FALSE(next->already_planned);
  EXPECT_EQ(next->predecessor, 1U);
  EXPECT_EQ(next->successor, 2U);
  EXPECT_EQ(next->at, planned->at);  // STANDBY since the same moment
}

// The first version of a key on a published issuer is such a switch, from nothing.
TEST(PlanRotationTest, FirstActivationCountsAsPlanned) {
  const std::vector versions = {TimesOfNewVersion(kPolicy, true, kNow), Staged(kNow)};
  const auto planned = PlanRotation(versions, kPolicy, kNow);
  ASSERT_TRUE(planned);
  EXPECT_TRUE(planned->already_planned);
  EXPECT_EQ(planned->predecessor, std::nullopt);
  EXPECT_EQ(planned->successor, 0U);
  EXPECT_EQ(planned->at, kNow + kPropagation);
}

TEST(PlanRotationTest, NewestSuccessorIsTaken) {
  const std::vector versions = {Active(kNow - absl::Hours(5)), Staged(kNow - absl::Hours(2)),
                                Staged(kNow - absl::Hours(1))};
  EXPECT_EQ(PlanRotation(versions, kPolicy, kNow)->successor, 2U);
}

// Going back to a version that was passed over would break "newer numbers sign later".
TEST(PlanRotationTest, PassedOverVersionNeverSigns) {
  const std::vector versions = {Staged(kNow - absl::Hours(5)), Active(kNow - absl::Hours(1))};
  EXPECT_FALSE(PlanRotation(versions, kPolicy, kNow));
  EXPECT_EQ(StateAt(versions[0], kNow + absl::Hours(24 * 365)), State::kStandby);
  EXPECT_EQ(PlanStep(versions, kNow).withdraw, 0U);  // it only takes up room
  EXPECT_TRUE(PlanStep({versions[1]}, kNow).add_successor);
}

// If nothing signs (every end was reached), a rotation brings the key back.
TEST(PlanRotationTest, StartsSigningAgainWithoutAPredecessor) {
  VersionTimes ended = Active(kNow - absl::Hours(5));
  ended.retire = kNow - absl::Hours(1);
  ended.withdraw = kNow + absl::Hours(1);
  const auto planned =
      PlanRotation(std::vector{ended, Staged(kNow - absl::Hours(2))}, kPolicy, kNow);
  ASSERT_TRUE(planned);
  EXPECT_EQ(planned->predecessor, std::nullopt);
  EXPECT_EQ(planned->at, kNow);
}

// A hard end set before the switch is a promise: a rotation never puts it off.
TEST(PlanRotationTest, EarlierEndOfThePredecessorStays) {
  VersionTimes ending = Active(kNow - absl::Hours(5));
  ending.retire = kNow + absl::Minutes(5);
  ending.withdraw = kNow + absl::Hours(2);
  const auto planned = PlanRotation(std::vector{ending, Staged(kNow)}, kPolicy, kNow);
  ASSERT_TRUE(planned);
  EXPECT_EQ(planned->at, kNow + kPropagation);
  EXPECT_EQ(planned->versions[*planned->predecessor], ending);
}

TEST(PlanRotationTest, VersionWithBrokenTimesIsNoSuccessor) {
  VersionTimes broken = Staged(kNow - absl::Hours(2));
  broken.withdraw = kNow + absl::Hours(1);
  EXPECT_FALSE(PlanRotation(std::vector{Active(kNow), broken}, kPolicy, kNow));
  EXPECT_TRUE(PlanStep(std::vector{Active(kNow), broken}, kNow).add_successor);
}

TEST(PlanStepTest, GeneratesTheOldestPendingVersion) {
  const Step step = PlanStep(std::vector{VersionTimes{}, VersionTimes{}}, kNow);
  EXPECT_EQ(step.generate, 0U);
  EXPECT_FALSE(step.add_successor);
  EXPECT_EQ(step.wake, kNever);
}

TEST(PlanStepTest, NothingToDoForAnEmptyKey) {
  const Step step = PlanStep(std::vector<VersionTimes>{}, kNow);
  EXPECT_FALSE(step.generate);
  EXPECT_FALSE(step.add_successor);
}

// The successor is staged at once, so that a STANDBY is there when it is needed.
TEST(PlanStepTest, AddsASuccessorToWhatSigns) {
  EXPECT_TRUE(PlanStep(std::vector{Active(kNow)}, kNow).add_successor);
  EXPECT_FALSE(PlanStep(std::vector{Active(kNow), VersionTimes{}}, kNow).add_successor);
  EXPECT_EQ(PlanStep(std::vector{Active(kNow), VersionTimes{}}, kNow).generate, 1U);
  EXPECT_FALSE(PlanStep(std::vector{Active(kNow), Staged(kNow)}, kNow).add_successor);
}

// A planned switch uses the successor up: the next one is due already, not only after it.
TEST(PlanStepTest, AddsASuccessorToWhatWillSign) {
  EXPECT_TRUE(PlanStep(std::vector{TimesOfNewVersion(kPolicy, true, kNow)}, kNow).add_successor);
  const std::vector versions = {Active(kNow - absl::Hours(1)), Staged(kNow)};
  const auto planned = PlanRotation(versions, kPolicy, kNow);
  EXPECT_TRUE(PlanStep(std::vector{planned->versions[*planned->predecessor],
                                   planned->versions[planned->successor]},
                       kNow)
                  .add_successor);
}

TEST(PlanStepTest, WakesAtTheNextChange) {
  const std::vector versions = {Active(kNow), Staged(kNow)};
  EXPECT_EQ(PlanStep(versions, kNow).wake, kNow + kPropagation);
  EXPECT_EQ(PlanStep(versions, kNow + kPropagation).wake, kNever);
}

}  // namespace
}  // namespace sealward::lifecycle
