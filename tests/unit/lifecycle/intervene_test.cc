// If this goes, nobody notices when suspending, pausing, destroying or a new policy
// does more or less than it says.
#include "server/lifecycle/intervene.h"

#include <gtest/gtest.h>

#include <vector>

#include "server/lifecycle/plan.h"
#include "tests/unit/lifecycle/moments.h"

namespace sealward::lifecycle {
namespace {

// A version that signs, and one STAGED that is to take over once it is STANDBY.
KeyCourse WithPlannedSwitch() {
  KeyCourse course = Monthly({Signing(kNow - kDay), Staged()});
  course.versions = PlanRotation(course, kNow)->versions;
  return course;
}

TEST(SuspendTest, OnlyWhatSignsOrMay) {
  EXPECT_FALSE(CanSuspend(VersionTimes{}, kNow));
  EXPECT_TRUE(CanSuspend(Staged(), kNow));
  EXPECT_TRUE(CanSuspend(Standby(), kNow));
  EXPECT_TRUE(CanSuspend(Signing(kNow), kNow));
  EXPECT_FALSE(CanSuspend(Retired(kNow), kNow));
  EXPECT_FALSE(CanSuspend(Withdrawn(), kNow));
}

// In the JWKS, signing nothing, and reversible to what it was.
TEST(SuspendTest, StopsSigningAndEnableBringsItBack) {
  KeyCourse course = Monthly({Signing(kNow - kDay), Standby()});
  const std::vector<VersionTimes> before = course.versions;
  course.versions = Suspend(course, 0, kNow);
  EXPECT_EQ(StateAt(course.versions[0], kNow), State::kSuspended);
  EXPECT_TRUE(IsPublished(State::kSuspended));
  EXPECT_EQ(SigningVersionAt(course.versions, kNow), std::nullopt);
  EXPECT_EQ(Enable(course, 0), before);
}

TEST(SuspendTest, TimersRun) {
  KeyCourse course = Monthly({Signing(kNow - kDay), Standby()});
  course.versions = Suspend(course, 0, kNow);
  const absl::Time hard_end = course.versions[0].sign_until;
  const absl::Time gone = course.versions[0].publish_until;
  EXPECT_EQ(StateAt(course.versions[0], gone), State::kWithdrawn);
  // Until then the operator decides; afterwards it can never sign again.
  EXPECT_EQ(RotationDue(course, hard_end - absl::Nanoseconds(1)), kNever);
  EXPECT_EQ(RotationDue(course, hard_end), absl::InfinitePast());
}

TEST(SuspendTest, ASuspendedVersionIsNotPromoted) {
  KeyCourse course = Monthly({Signing(kNow - kDay), Standby()});
  course.versions = Suspend(course, 1, kNow);
  EXPECT_FALSE(PlanRotation(course, kNow));
  EXPECT_TRUE(PlanStep(course, kNow).add_successor);
}

TEST(SuspendTest, TakesAPlannedSwitchBackAndItStaysDue) {
  KeyCourse course = WithPlannedSwitch();
  const absl::Time at = course.versions[1].activate;
  course.versions = Suspend(course, 1, kNow);
  EXPECT_EQ(course.versions[1].activate, kNever);
  EXPECT_EQ(course.versions[1].sign_until, kNever);
  EXPECT_EQ(course.versions[0].retire, kNever);
  EXPECT_EQ(SigningVersionAt(course.versions, at), 0U);
  EXPECT_EQ(RotationDue(course, kNow), at);
}

TEST(ScheduleDestroyTest, OnlyWhatIsOutOfUse) {
  VersionTimes revoked = Signing(kNow - kDay);
  revoked.revoke = kNow;
  EXPECT_TRUE(CanScheduleDestroy(Withdrawn(), kNow));
  EXPECT_TRUE(CanScheduleDestroy(revoked, kNow));
  EXPECT_FALSE(CanScheduleDestroy(VersionTimes{}, kNow));
  EXPECT_FALSE(CanScheduleDestroy(Standby(), kNow));
  EXPECT_FALSE(CanScheduleDestroy(Signing(kNow), kNow));
  EXPECT_FALSE(CanScheduleDestroy(Retired(kNow), kNow));
  VersionTimes scheduled = Withdrawn();
  scheduled.schedule_destroy = kNow;
  EXPECT_FALSE(CanScheduleDestroy(scheduled, kNow));
  revoked.schedule_destroy = kNow;
  EXPECT_FALSE(CanScheduleDestroy(revoked, kNow));
}

TEST(ScheduleDestroyTest, CanBeCancelledUntilTheWindowIsOver) {
  KeyCourse course = Monthly({Withdrawn()});
  course.versions = ScheduleDestroy(course, 0, kNow);
  const absl::Time due = kNow + kDefaultRecoveryWindow;
  EXPECT_EQ(course.versions[0].destroy_due, due);
  EXPECT_EQ(StateAt(course.versions[0], kNow), State::kDestroyScheduled);
  EXPECT_TRUE(CanCancelDestroy(course.versions[0], due - absl::Nanoseconds(1)));
  EXPECT_FALSE(CanCancelDestroy(course.versions[0], due));
  course.versions = CancelDestroy(course, 0, kNow + kDay);
  EXPECT_EQ(StateAt(course.versions[0], kNow + kDay), State::kWithdrawn);
  EXPECT_FALSE(CanCancelDestroy(course.versions[0], kNow + kDay));
}

// A seed of tests/sim: the answer to the mark was lost, and nobody took it away again.
TEST(ScheduleDestroyTest, ACancelledOneIsUnmarkedWhateverIsKnown) {
  KeyCourse course = Monthly({Withdrawn()});
  course.versions = ScheduleDestroy(course, 0, kNow);
  course.versions = CancelDestroy(course, 0, kNow);
  EXPECT_EQ(PlanStep(course, kNow).unmark_destroy, 0U);
}

// The partition is told the new time.
TEST(ScheduleDestroyTest, AMarkThatIsLeftOverDoesNotCount) {
  KeyCourse course = Monthly({Withdrawn()});
  course.versions[0].destroy_marked = true;
  course.versions = ScheduleDestroy(course, 0, kNow);
  EXPECT_EQ(PlanStep(course, kNow).mark_destroy, 0U);
}

TEST(PauseTest, TakesAPlannedSwitchBackAndItStaysDue) {
  KeyCourse course = WithPlannedSwitch();
  const absl::Time at = course.versions[1].activate;
  course.pause = PauseTimes{kNow, kNow + kDay};
  course.versions = Pause(course, kNow);
  EXPECT_EQ(course.versions[1].activate, kNever);
  EXPECT_EQ(RotationDue(course, at), kNow + kDay);
  course.pause.reset();
  EXPECT_EQ(RotationDue(course, at), at);
}

TEST(PauseTest, LeavesTheFirstSignatureAndWhatARevocationAsksFor) {
  KeyCourse first = Monthly({Staged()});
  Activate(first, first.versions[0].standby, first.versions[0]);
  EXPECT_EQ(Pause(first, kNow), first.versions);

  KeyCourse fresh = WithPlannedSwitch();
  fresh.versions[0].fresh_after = fresh.versions[0].publish;
  EXPECT_EQ(Pause(fresh, kNow), fresh.versions);
}

std::vector<VersionTimes> ChangePropagation(const KeyCourse& course, absl::Duration to) {
  CachePolicy cache = course.cache;
  cache.propagation_time = to;
  return ChangePolicies(course, cache, course.rotation, kNow);
}

TEST(ChangePoliciesTest, ALongerPropagationPutsOffWhatDoesNotSignYet) {
  const KeyCourse course = Monthly({Retired(kNow), Signing(kNow), Standby(), Staged()});
  const auto versions = ChangePropagation(course, 2 * kDay);
  EXPECT_EQ(versions[0], course.versions[0]);
  EXPECT_EQ(versions[1], course.versions[1]);
  for (const size_t i : {2U, 3U}) {
    EXPECT_EQ(versions[i].standby, versions[i].publish + 2 * kDay);
    EXPECT_EQ(versions[i].activate_by, versions[i].standby + course.rotation.max_standby_time);
    EXPECT_EQ(StateAt(versions[i], kNow), State::kStaged);
  }
}

// A fresh version may be published a moment after its revoked predecessor ended.
TEST(ChangePoliciesTest, ALongerPropagationPutsOffWhatIsAboutToBePublished) {
  const KeyCourse course = Monthly({Waiting(kNow + absl::Microseconds(1))});
  ASSERT_EQ(StateAt(course.versions[0], kNow), State::kPending);
  const auto versions = ChangePropagation(course, 2 * kDay);
  EXPECT_EQ(versions[0].standby, versions[0].publish + 2 * kDay);
}

TEST(ChangePoliciesTest, AShorterOneChangesNothingThatIsPromised) {
  const KeyCourse course = Monthly({Signing(kNow), Staged()});
  EXPECT_EQ(ChangePropagation(course, absl::Minutes(1)), course.versions);
}

// The predecessor signs on until the switch, not until it once was.
TEST(ChangePoliciesTest, APlannedSwitchIsPutOffWithItsSuccessor) {
  const KeyCourse course = WithPlannedSwitch();
  const auto versions = ChangePropagation(course, kDay);
  const absl::Time at = versions[1].publish + kDay;
  EXPECT_EQ(versions[1].activate, at);
  EXPECT_EQ(versions[1].sign_until, at + course.rotation.max_signing_time);
  EXPECT_EQ(versions[0].retire, at);
  EXPECT_EQ(versions[0].withdraw, at + kRetention);
}

TEST(ChangePoliciesTest, ALongerSigningTimeMovesBothHardEnds) {
  const KeyCourse course = Monthly({Signing(kNow - kDay)});
  RotationPolicy rotation = course.rotation;
  rotation.max_signing_time = 100 * kDay;
  const auto versions = ChangePolicies(course, course.cache, rotation, kNow);
  EXPECT_EQ(versions[0].sign_until, kNow + 99 * kDay);
  EXPECT_EQ(versions[0].publish_until, kNow + 99 * kDay + kRetention);
}

// JWTs that it signed are still out, and its successor must get ready.
TEST(ChangePoliciesTest, AShorterSigningTimeNeitherUnpublishesNorLeavesAGap) {
  const KeyCourse course = Monthly({Signing(kNow - 20 * kDay)});
  RotationPolicy rotation = course.rotation;
  rotation.max_signing_time = 10 * kDay;
  const auto versions = ChangePolicies(course, course.cache, rotation, kNow);
  EXPECT_GE(versions[0].sign_until, kNow + kPropagation + kSwitchLead);
  EXPECT_LE(versions[0].sign_until, kNow + kPropagation + absl::Minutes(5));
  EXPECT_EQ(versions[0].publish_until, course.versions[0].publish_until);
}

TEST(ChangePoliciesTest, WhatEndedIsNotRevived) {
  KeyCourse course = Monthly({Withdrawn(), Signing(kNow - 2 * kPeriod)});
  RotationPolicy rotation = course.rotation;
  rotation.max_signing_time = 300 * kDay;
  EXPECT_EQ(ChangePolicies(course, course.cache, rotation, kNow), course.versions);
}

}  // namespace
}  // namespace sealward::lifecycle
