// Answers that are kept back. If these go, a flood's refusals cost what they always did, or
// an answer comes too late for its caller, or never.
#include "server/api/held_answers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "tests/fakes/recording_timers.h"

namespace sealward::api {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

TEST(HeldAnswers, WaitForTheirTimerAndNoLongerThanTheirKeeper) {
  fakes::RecordingTimers timers(/*stall=*/true);
  absl::Notification answered;
  auto held = std::make_unique<HeldAnswers>(&timers);
  held->Hold(kNow, absl::InfiniteFuture(), [&] { answered.Notify(); });
  EXPECT_EQ(timers.delays(), std::vector{kMinRefusalHold});  // the first
  EXPECT_FALSE(answered.HasBeenNotified());
  held.reset();
  answered.WaitForNotification();
}

TEST(HeldAnswers, ComeInTimeForTheCaller) {
  fakes::RecordingTimers timers;
  HeldAnswers held(&timers);
  absl::Notification answered;
  held.Hold(kNow, kNow + absl::Milliseconds(100), [&] { answered.Notify(); });
  answered.WaitForNotification();
  EXPECT_EQ(timers.delays(), std::vector{absl::Milliseconds(50)});
  for (const absl::Time deadline : {kNow, kNow - absl::Seconds(1), absl::InfinitePast()}) {
    bool at_once = false;
    held.Hold(kNow, deadline, [&] { at_once = true; });
    EXPECT_TRUE(at_once);
  }
  EXPECT_EQ(timers.delays().size(), 1U);
}

TEST(HeldAnswers, OneTooManyGoesOutAtOnce) {
  fakes::RecordingTimers timers(/*stall=*/true);
  absl::BlockingCounter answered(static_cast<int>(kMaxHeldAnswers));
  {
    HeldAnswers held(&timers);
    for (size_t i = 0; i < kMaxHeldAnswers; ++i) {
      held.Hold(kNow, absl::InfiniteFuture(), [&] { answered.DecrementCount(); });
    }
    bool at_once = false;
    held.Hold(kNow, absl::InfiniteFuture(), [&] { at_once = true; });
    EXPECT_TRUE(at_once);
  }
  answered.Wait();
}

// Refused together, they do not come again together.
TEST(HeldAnswers, AreSpreadOut) {
  fakes::RecordingTimers timers;
  HeldAnswers held(&timers);
  absl::BlockingCounter answered(100);
  for (int i = 0; i < 100; ++i) {
    held.Hold(kNow, absl::InfiniteFuture(), [&] { answered.DecrementCount(); });
  }
  answered.Wait();
  std::vector<absl::Duration> delays = timers.delays();
  std::ranges::sort(delays);
  EXPECT_GE(delays.front(), kMinRefusalHold);
  EXPECT_LE(delays.back(), kMaxRefusalHold);
  for (size_t i = 1; i < delays.size(); ++i) {
    EXPECT_LT(delays[i] - delays[i - 1], (kMaxRefusalHold - kMinRefusalHold) / 25);
  }
}

// What was held is not held for ever: its place is free.
TEST(HeldAnswers, AnAnswerLeavesItsPlace) {
  fakes::RecordingTimers timers;
  HeldAnswers held(&timers);
  for (size_t i = 0; i < kMaxHeldAnswers + 10; ++i) {
    absl::Notification answered;
    held.Hold(kNow, absl::InfiniteFuture(), [&] { answered.Notify(); });
    answered.WaitForNotification();
  }
  EXPECT_EQ(timers.delays().size(), kMaxHeldAnswers + 10);
}

}  // namespace
}  // namespace sealward::api
