// LifecycleService over gRPC. If these break, an operator stops what must not stop,
// destroys what still signs, or overwrites what another operator just decided.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/lifecycle/intervene.h"
#include "tests/unit/api/lifecycle_rig.h"

namespace sealward::api {
namespace {

using Stub = Lifecycle::Stub;
using LifecycleServiceTest = LifecycleRig;

TEST_F(LifecycleServiceTest, SaysWhatWillHappen) {
  Pass();
  v1::PlanKeyRequest request;
  request.set_name(fakes::kKey);
  v1::PlanKeyResponse plan;
  const int64_t revision = rig_.keys.catalog->Get()->revision;
  ASSERT_TRUE(Ask(&Stub::PlanKey, request, &plan, kViewer).ok());
  EXPECT_EQ(rig_.keys.catalog->Get()->revision, revision);
  ASSERT_GE(plan.events_size(), 3);
  EXPECT_EQ(plan.events(0).version(), Version(2));
  EXPECT_EQ(plan.events(0).state(), v1::KeyVersion::STANDBY);
  bool takes_over = false;
  for (const v1::PlannedEvent& event : plan.events()) {
    takes_over |= event.description() == "takes over from version 1" &&
                  event.version() == Version(2) && event.state() == v1::KeyVersion::ACTIVE;
  }
  EXPECT_TRUE(takes_over);
  request.mutable_horizon()->set_seconds(-1);
  EXPECT_EQ(ReasonOf(Ask(&Stub::PlanKey, request, &plan)), "HORIZON_INVALID");
  request.mutable_horizon()->set_seconds(int64_t{20} * 365 * 86400);
  EXPECT_EQ(ReasonOf(Ask(&Stub::PlanKey, request, &plan)), "HORIZON_INVALID");
}

TEST_F(LifecycleServiceTest, APausePutsTheSwitchOff) {
  MakeStandby();
  rig_.keys.clock.Advance(29 * kDay);
  ASSERT_TRUE(Pause(5 * kDay).ok());
  EXPECT_EQ(key_.pause().owner(), PrincipalOf(kTenantOperator));
  EXPECT_EQ(key_.pause().reason(), "freeze");
  const absl::Time expires = rig_.keys.clock.Now() + 5 * kDay;
  EXPECT_EQ(lifecycle::RotationDue(catalog::CourseOf(*rig_.keys.Key(), 9), rig_.keys.clock.Now()),
            expires);
}

TEST_F(LifecycleServiceTest, ResumeEndsIt) {
  MakeStandby();
  ASSERT_TRUE(Pause(kDay).ok());
  ASSERT_TRUE(Resume().ok());
  EXPECT_FALSE(key_.has_pause());
  EXPECT_FALSE(lifecycle::IsPaused(catalog::CourseOf(*rig_.keys.Key(), 0), rig_.keys.clock.Now()));
}

TEST_F(LifecycleServiceTest, APauseNeedsAnEndAndAReason) {
  EXPECT_EQ(ReasonOf(Pause(absl::ZeroDuration())), "PAUSE_INVALID");
  EXPECT_EQ(ReasonOf(Pause(-kDay)), "PAUSE_INVALID");
  EXPECT_EQ(ReasonOf(Pause(lifecycle::kMaxPause + absl::Seconds(1))), "PAUSE_INVALID");
  EXPECT_EQ(ReasonOf(Pause(kDay, "")), "PAUSE_INVALID");
  EXPECT_EQ(ReasonOf(Pause(kDay, std::string(257, 'x'))), "PAUSE_INVALID");
  v1::PauseKeyRequest endless;
  endless.set_name(fakes::kKey);
  endless.set_reason("x");
  EXPECT_EQ(ReasonOf(Ask(&Stub::PauseKey, endless, &key_)), "PAUSE_INVALID");
  EXPECT_FALSE(rig_.keys.Key()->pause.has_value());
}

// Storm-0558: rotation had been paused and nobody was told. Whoever goes on renewing
// a pause has to let the key rotate once in 30 days.
TEST_F(LifecycleServiceTest, PausesAddUpUntilTheNextSwitch) {
  MakeStandby();
  ASSERT_TRUE(Pause(14 * kDay).ok());
  rig_.keys.clock.Advance(14 * kDay);
  ASSERT_TRUE(Pause(14 * kDay).ok());
  rig_.keys.clock.Advance(10 * kDay);
  ASSERT_TRUE(Resume().ok());
  rig_.keys.clock.Advance(absl::Hours(1));
  EXPECT_EQ(ReasonOf(Pause(6 * kDay + absl::Seconds(1))), "PAUSE_INVALID");
  ASSERT_TRUE(Pause(6 * kDay).ok());
  ASSERT_TRUE(Resume().ok());
  rig_.keys.clock.Advance(absl::Hours(1));
  const auto rotated = rig_.keys.manager->RotateKey(
      fakes::kKey, [](const catalog::Key&) { return true; }, absl::InfiniteFuture());
  ASSERT_TRUE(rotated.ok()) << rotated.status();
  rig_.keys.clock.Advance(absl::Hours(1));
  EXPECT_TRUE(Pause(14 * kDay).ok()) << "the switch begins a new count";
}

TEST_F(LifecycleServiceTest, APauseNeverPassesTheHardEnd) {
  MakeStandby();
  rig_.keys.clock.Advance(50 * kDay);  // of 60, with no driver
  EXPECT_EQ(ReasonOf(Pause(11 * kDay)), "PAUSE_PASSES_SIGN_UNTIL");
  EXPECT_TRUE(Pause(9 * kDay).ok());
}

TEST_F(LifecycleServiceTest, SuspendStopsSigningEverywhereAndEnableGoesOn) {
  MakeStandby();
  ASSERT_TRUE(AskVersion(&Stub::SuspendKeyVersion, 1).ok());
  EXPECT_EQ(version_.state(), v1::KeyVersion::SUSPENDED);
  EXPECT_EQ(rig_.keys.partition.forgotten().size(), 1U);
  EXPECT_EQ(rig_.keys.States(), "SUSPENDED STANDBY");
  // Asked again: whoever lost the answer makes sure.
  ASSERT_TRUE(AskVersion(&Stub::SuspendKeyVersion, 1).ok());
  EXPECT_EQ(rig_.keys.partition.forgotten().size(), 2U);
  ASSERT_TRUE(AskVersion(&Stub::EnableKeyVersion, 1).ok());
  EXPECT_EQ(version_.state(), v1::KeyVersion::ACTIVE);
  EXPECT_EQ(ReasonOf(AskVersion(&Stub::EnableKeyVersion, 1)), "VERSION_STATE");
}

TEST_F(LifecycleServiceTest, ASuspensionThatAProcessDidNotConfirmIsNoSuccess) {
  MakeStandby();
  rig_.keys.partition.FailNextForget();
  EXPECT_FALSE(AskVersion(&Stub::SuspendKeyVersion, 1).ok());
  EXPECT_EQ(rig_.keys.States(), "SUSPENDED STANDBY") << "the server itself does stop";
}

TEST_F(LifecycleServiceTest, WhatSignsIsNotDestroyed) {
  MakeStandby();
  for (const int number : {1, 2}) {
    EXPECT_EQ(ReasonOf(AskVersion(&Stub::DestroyKeyVersion, number, kAdmin)), "VERSION_STATE");
    EXPECT_EQ(ReasonOf(AskVersion(&Stub::CancelDestroyKeyVersion, number)), "VERSION_STATE");
  }
  EXPECT_EQ(ReasonOf(AskVersion(&Stub::DestroyKeyVersion, 9, kAdmin)), "NOT_FOUND");
}

TEST_F(LifecycleServiceTest, DestructionCanBeCancelledWithinItsWindow) {
  MakeStandby();
  ASSERT_TRUE(Revoke(Version(1)).ok());
  EXPECT_EQ(ReasonOf(AskVersion(&Stub::DestroyKeyVersion, 1)), "PERMISSION_DENIED");
  ASSERT_TRUE(AskVersion(&Stub::DestroyKeyVersion, 1, kAdmin).ok());
  EXPECT_TRUE(version_.has_destroy_due_time());
  EXPECT_EQ(ReasonOf(AskVersion(&Stub::DestroyKeyVersion, 1, kAdmin)), "VERSION_STATE");
  ASSERT_TRUE(AskVersion(&Stub::CancelDestroyKeyVersion, 1).ok());
  EXPECT_EQ(version_.state(), v1::KeyVersion::REVOKED) << "no way back to life";
  ASSERT_TRUE(AskVersion(&Stub::DestroyKeyVersion, 1, kAdmin).ok());
  rig_.keys.clock.Advance(7 * kDay);
  EXPECT_EQ(ReasonOf(AskVersion(&Stub::CancelDestroyKeyVersion, 1)), "VERSION_STATE");
}

TEST_F(LifecycleServiceTest, TwoOperatorsDoNotOverwriteEachOther) {
  MakeStandby();
  v1::GetKeyRequest get;
  get.set_name(fakes::kKey);
  v1::Key seen;
  ASSERT_TRUE(rig_.Call<v1::KeyService>(kViewer, &v1::KeyService::Stub::GetKey, get, &seen).ok());
  ASSERT_TRUE(Pause(kDay, "mine", seen.etag()).ok());
  EXPECT_EQ(ReasonOf(Pause(kDay, "theirs", seen.etag())), "ETAG_MISMATCH");
  EXPECT_EQ(ReasonOf(AskVersion(&Stub::SuspendKeyVersion, 1, kTenantOperator, seen.etag())),
            "ETAG_MISMATCH");
  v1::RevokeRequest revoke;
  revoke.set_name(Version(1));
  revoke.set_reason(v1::REVOCATION_REASON_CESSATION);
  revoke.set_etag(seen.etag());
  EXPECT_EQ(ReasonOf(Ask(&Stub::Revoke, revoke, &revoked_)), "ETAG_MISMATCH");
  EXPECT_EQ(rig_.keys.Key()->pause->reason, "mine");
}

TEST_F(LifecycleServiceTest, ValidateOnlyChangesNothing) {
  MakeStandby();
  const int64_t revision = rig_.keys.catalog->Get()->revision;
  v1::PauseKeyRequest pause;
  pause.set_name(fakes::kKey);
  pause.set_reason("x");
  pause.mutable_duration()->set_seconds(60);
  pause.set_validate_only(true);
  ASSERT_TRUE(Ask(&Stub::PauseKey, pause, &key_).ok());
  EXPECT_TRUE(key_.has_pause());
  EXPECT_EQ(key_.etag(), "");
  v1::SuspendKeyVersionRequest suspend;
  suspend.set_name(Version(1));
  suspend.set_validate_only(true);
  ASSERT_TRUE(Ask(&Stub::SuspendKeyVersion, suspend, &version_).ok());
  EXPECT_EQ(version_.state(), v1::KeyVersion::SUSPENDED);
  EXPECT_EQ(rig_.keys.catalog->Get()->revision, revision);
  EXPECT_TRUE(rig_.keys.partition.forgotten().empty());
}

TEST_F(LifecycleServiceTest, AStrangerLearnsNothing) {
  MakeStandby();
  const std::string here = BytesOf(AskVersion(&Stub::SuspendKeyVersion, 1, kStranger));
  const std::string nowhere = BytesOf(AskVersion(&Stub::SuspendKeyVersion, 99, kStranger));
  EXPECT_EQ(here, nowhere);
  EXPECT_EQ(BytesOf(Revoke("tenants/none", false, false, kStranger)),
            BytesOf(Revoke(fakes::kTenant, false, false, kStranger)));
  EXPECT_EQ(ReasonOf(AskVersion(&Stub::SuspendKeyVersion, 1, kViewer)), "PERMISSION_DENIED");
  EXPECT_EQ(rig_.keys.States(), "ACTIVE STANDBY");
}

}  // namespace
}  // namespace sealward::api
