// If this goes, the driver may rotate, withdraw or destroy too early, too late or never.
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "server/lifecycle/intervene.h"
#include "server/lifecycle/plan.h"
#include "tests/unit/lifecycle/moments.h"

namespace sealward::lifecycle {
namespace {

constexpr absl::Duration kTick = absl::Nanoseconds(1);

TEST(RotationDueTest, APeriodAfterTheFirstSignature) {
  const KeyCourse course = Monthly({Signing(kNow), Standby()});
  EXPECT_EQ(RotationDue(course, kNow), kNow + kPeriod);
  EXPECT_FALSE(PlanStep(course, kNow + kPeriod - kTick).rotate);
  EXPECT_TRUE(PlanStep(course, kNow + kPeriod).rotate);
}

// Somebody may rotate by hand only: the hard end still forces a switch, a little before.
TEST(RotationDueTest, BeforeTheHardEnd) {
  KeyCourse course = Monthly({Signing(kNow), Standby()});
  course.rotation.rotation_period = absl::InfiniteDuration();
  EXPECT_EQ(RotationDue(course, kNow), course.versions[0].sign_until - kSwitchLead);
}

TEST(RotationDueTest, BeforeTheHardEndByTheIssuersMargin) {
  KeyCourse course = Monthly({Signing(kNow), Standby()});
  course.rotation.rotation_period = absl::InfiniteDuration();
  course.cache.margins = Margins::ForDevelopment();
  EXPECT_EQ(RotationDue(course, kNow), course.versions[0].sign_until - kDevelopmentMargin);
}

TEST(RotationDueTest, NeverWhileASwitchIsPlanned) {
  KeyCourse course = Monthly({Signing(kNow - kDay), Staged()});
  course.versions = PlanRotation(course, kNow)->versions;
  EXPECT_EQ(RotationDue(course, kNow), kNever);
}

TEST(RotationDueTest, AtOnceWhereNothingSigns) {
  EXPECT_EQ(RotationDue(Monthly({Standby()}), kNow), absl::InfinitePast());
  EXPECT_EQ(RotationDue(Monthly({Signing(kNow - 2 * kPeriod)}), kNow), absl::InfinitePast());
}

TEST(RotationDueTest, APausePutsItOffButNotPastTheHardEnd) {
  KeyCourse course = Monthly({Signing(kNow), Standby()});
  const absl::Time due = kNow + kPeriod;
  course.pause = PauseTimes{due - kDay, due + kDay};
  EXPECT_EQ(RotationDue(course, due), due + kDay);
  EXPECT_EQ(PlanStep(course, due).wake, due + kDay);
  course.pause->expire = kNow + 3 * kPeriod;
  EXPECT_EQ(RotationDue(course, due), course.versions[0].sign_until - kSwitchLead);
}

// Else it would outlive its own end while one that is ready stands beside it.
TEST(PlanRotationTest, TakesWhatIsReadyFirst) {
  EXPECT_EQ(PlanRotation(Monthly({Signing(kNow - kDay), Standby(), Staged()}), kNow)->successor,
            1U);
  EXPECT_EQ(PlanRotation(Monthly({Signing(kNow - kDay), Standby(), Standby()}), kNow)->successor,
            2U);
}

TEST(PlanRotationTest, SomethingThatCachesKnowIsBetterThanNothing) {
  KeyCourse course = Monthly({Signing(kNow - 2 * kPeriod), Standby()});
  course.versions[0].fresh_after = kNow;
  ASSERT_TRUE(PlanRotation(course, kNow));
  EXPECT_EQ(PlanRotation(course, kNow)->successor, 1U);
}

// A seed of tests/sim: nothing signed from the hard end until the fresh one was ready.
TEST(PlanRotationTest, AnotherOneSignsUntilALateFreshOneIsReady) {
  KeyCourse course = Monthly({Signing(kNow - kDay), Standby(), Staged()});
  course.versions[0].fresh_after = kNow - kDay / 2;
  course.versions[0].sign_until = course.versions[2].standby - absl::Seconds(1);
  const auto first = PlanRotation(course, kNow);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->successor, 1U);
  EXPECT_EQ(first->at, kNow);
  course.versions = first->versions;
  const auto second = PlanRotation(course, kNow);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->successor, 2U);
}

TEST(TimesOfNewVersionTest, WaitsForAnEarlierPromise) {
  KeyCourse course = Monthly({Signing(kNow - kDay), VersionTimes{}});
  course.cache.earlier_promise_until = kNow + absl::Hours(12);
  const VersionTimes times = TimesOfNewVersion(course, 1, kNow);
  EXPECT_EQ(times.standby, kNow + absl::Hours(12));
  EXPECT_EQ(times.activate_by, times.standby + course.rotation.max_standby_time);
}

// It would keep a key that could sign now from signing.
TEST(TimesOfNewVersionTest, DoesNotGoAheadOfWhatIsReady) {
  const KeyCourse course = Monthly({Signing(kNow - 2 * kPeriod), Standby(), VersionTimes{}});
  EXPECT_EQ(TimesOfNewVersion(course, 2, kNow).activate, kNever);
}

TEST(PlanStepTest, AFullJwksTakesNoSuccessor) {
  KeyCourse course = Monthly({Signing(kNow)});
  course.jwks_room = 1;
  EXPECT_TRUE(PlanStep(course, kNow).add_successor);
  course.jwks_room = 0;
  const Step step = PlanStep(course, kNow);
  EXPECT_FALSE(step.add_successor);
  EXPECT_TRUE(step.no_room);
  EXPECT_TRUE(step.IsIdle());
}

// The replacement is STANDBY when the old one goes.
TEST(PlanStepTest, AStandbyIsReplacedBeforeItIsTooOld) {
  const KeyCourse course = Monthly({Signing(kNow), Standby()});
  const absl::Time end = course.versions[1].activate_by;
  KeyCourse later = course;
  later.versions[0] = Signing(end - kDay);
  const absl::Time due = end - kPropagation - kPlanSlack + absl::Microseconds(1);
  EXPECT_FALSE(PlanStep(later, end - kPropagation - kPlanSlack).add_successor);
  EXPECT_EQ(PlanStep(later, end - kPropagation - kPlanSlack).wake, due);
  EXPECT_TRUE(PlanStep(later, due).add_successor);
  EXPECT_FALSE(PlanStep(later, end - kTick).withdraw);
  EXPECT_EQ(PlanStep(later, end).withdraw, 1U);
}

// Else there would be one more in the JWKS than JwksNeed says.
TEST(PlanStepTest, TheSwitchComesBeforeTheNextSuccessor) {
  KeyCourse course = Monthly({Signing(kNow - kPeriod), Standby()});
  course.versions[1].activate_by = kNow + absl::Seconds(1);
  const Step step = PlanStep(course, kNow);
  EXPECT_TRUE(step.rotate);
  EXPECT_FALSE(step.add_successor);
}

// As above: what was passed over goes first.
TEST(PlanStepTest, TheWithdrawalComesBeforeTheNextSuccessor) {
  const KeyCourse course = Monthly({Standby(), Signing(kNow)});
  const Step step = PlanStep(course, kNow);
  EXPECT_EQ(step.withdraw, 0U);
  EXPECT_FALSE(step.add_successor);
}

// A switch that is only planned may be taken back.
TEST(PlanStepTest, AStandbyIsPassedOverOnceTheNewerSigns) {
  KeyCourse course = Monthly({Signing(kNow - kDay), Staged(), Staged()});
  Activate(course, course.versions[2].standby, course.versions[2]);
  RetireOthers(course, 2, course.versions[2].activate, course.versions);
  EXPECT_FALSE(PlanStep(course, kNow).withdraw);
  EXPECT_EQ(PlanStep(course, course.versions[2].activate).withdraw, 1U);
}

TEST(PlanStepTest, SchedulesDestructionByThePolicy) {
  KeyCourse course = Monthly({Withdrawn(), Signing(kNow), Standby()});
  EXPECT_FALSE(PlanStep(course, kNow + 100 * kDay).schedule_destroy);
  course.rotation.destroy_after = 2 * kDay;
  const absl::Time due = course.versions[0].withdraw + 2 * kDay;
  EXPECT_FALSE(PlanStep(course, due - kTick).schedule_destroy);
  EXPECT_EQ(PlanStep(course, due - kTick).wake, due);
  EXPECT_EQ(PlanStep(course, due).schedule_destroy, 0U);
  course.versions = ScheduleDestroy(course, 0, due);
  EXPECT_FALSE(PlanStep(course, due).schedule_destroy);
  course.versions = CancelDestroy(course, 0, due);
  EXPECT_FALSE(PlanStep(course, due + kDay).schedule_destroy);
  EXPECT_EQ(PlanStep(course, due + 2 * kDay).schedule_destroy, 0U);
}

// The partition's mark comes first: without it the HSM would refuse, rightly.
TEST(PlanStepTest, DestroysAfterTheMarkAndTheWindow) {
  KeyCourse course = Monthly({Withdrawn(), Signing(kNow), Standby()});
  course.versions = ScheduleDestroy(course, 0, kNow);
  const absl::Time due = course.versions[0].destroy_due;
  EXPECT_EQ(PlanStep(course, kNow).mark_destroy, 0U);
  EXPECT_FALSE(PlanStep(course, due).destroy);
  course.versions[0].destroy_marked = true;
  EXPECT_FALSE(PlanStep(course, kNow).mark_destroy);
  EXPECT_FALSE(PlanStep(course, due - kTick).destroy);
  EXPECT_EQ(PlanStep(course, due - kTick).wake, due);
  EXPECT_EQ(PlanStep(course, due).destroy, 0U);
  course.versions[0].destroy = due;
  EXPECT_TRUE(PlanStep(course, due).IsIdle());
}

TEST(PlanStepTest, APauseStopsDestruction) {
  KeyCourse course = Monthly({Withdrawn(), Signing(kNow), Standby()});
  course.rotation.destroy_after = kDay;
  course.pause = PauseTimes{kNow, kNow + 10 * kDay};
  const absl::Time later = kNow + 9 * kDay;
  EXPECT_FALSE(PlanStep(course, later).schedule_destroy);
  EXPECT_EQ(PlanStep(course, later).wake, course.pause->expire);
  course.versions = ScheduleDestroy(course, 0, kNow);
  course.versions[0].destroy_marked = true;
  EXPECT_FALSE(PlanStep(course, later).destroy);
  EXPECT_EQ(PlanStep(course, course.pause->expire).destroy, 0U);
}

TEST(PlanStepTest, AMarkIsTakenBackWithItsSchedule) {
  KeyCourse course = Monthly({Withdrawn(), Signing(kNow), Standby()});
  course.versions[0].destroy_marked = true;
  EXPECT_EQ(PlanStep(course, kNow).unmark_destroy, 0U);
}

TEST(PlanStepTest, ATombstoneIsMadeUpFor) {
  KeyCourse course = Monthly({Retired(kNow), Signing(kNow), Standby()});
  course.versions[0].revoke = kNow;
  EXPECT_EQ(PlanStep(course, kNow).mark_revoked, 0U);
  course.versions[0].revoke_marked = true;
  EXPECT_FALSE(PlanStep(course, kNow).mark_revoked);
}

}  // namespace
}  // namespace sealward::lifecycle
