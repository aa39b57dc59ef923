// How often a partition may be logged in to. If these go, an HSM that answers "not
// logged in" meets a storm of logins, or a process that always fails keeps the
// others from starting.
#include "server/hsm_client/restart_schedule.h"

#include <gtest/gtest.h>

namespace sealward::hsm_client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Cause = RestartSchedule::Cause;

constexpr RestartSchedule::SteadyTime kStart{std::chrono::hours{1}};

TEST(RestartScheduleTest, EverySlotIsDueAtFirst) {
  const RestartSchedule schedule(2);
  EXPECT_EQ(schedule.Next({true, true}, kStart), 0U);
  EXPECT_EQ(schedule.Next({false, true}, kStart), 1U);
  EXPECT_EQ(schedule.Next({false, false}, kStart), std::nullopt);
}

TEST(RestartScheduleTest, DelaysDoubleToALimit) {
  RestartSchedule schedule(1);
  auto now = kStart;
  milliseconds expected = kFirstRestartDelay;
  for (int i = 0; i < 20; ++i) {
    schedule.Ended(0, Cause::kProcess, now);
    EXPECT_EQ(schedule.DueAt(0), now + expected);
    EXPECT_EQ(schedule.Next({true}, now + expected - milliseconds(1)), std::nullopt);
    EXPECT_EQ(schedule.Next({true}, now + expected), 0U);
    now += expected;
    expected = std::min(expected * 2, kLastRestartDelay);
  }
  EXPECT_EQ(expected, kLastRestartDelay);
}

// A process that logs in, dies at its first signature, and so on, logs in as seldom
// as one that never gets ready.
TEST(RestartScheduleTest, GettingReadyIsNotEnoughStayingReadyIs) {
  RestartSchedule schedule(1);
  auto now = kStart;
  for (int i = 0; i < 10; ++i) {
    now = std::max(now, schedule.DueAt(0));
    schedule.Ready(0, now);
    now += kStableUptime - milliseconds(1);
    schedule.Ended(0, Cause::kPartition, now);
  }
  EXPECT_EQ(schedule.DueAt(0), now + kLastRestartDelay);
  now = schedule.DueAt(0);
  schedule.Ready(0, now);
  now += kStableUptime;
  schedule.Ended(0, Cause::kPartition, now);
  EXPECT_EQ(schedule.DueAt(0), now + kFirstRestartDelay);
}

TEST(RestartScheduleTest, ACauseOfThePartitionHoldsEverySlotBack) {
  RestartSchedule schedule(3);
  schedule.Ended(0, Cause::kProcess, kStart);
  EXPECT_EQ(schedule.Next({true, true, true}, kStart), 1U) << "its own affair";
  schedule.Ended(0, Cause::kPartition, kStart);
  EXPECT_EQ(schedule.Next({true, true, true}, kStart), std::nullopt);
  EXPECT_GT(schedule.DueAt(2), kStart);
}

// 64 processes, an HSM that is away for ten minutes: a login every five seconds.
TEST(RestartScheduleTest, LoginsDoNotGrowWithTheNumberOfProcesses) {
  RestartSchedule schedule(64);
  const std::vector<bool> down(64, true);
  int logins = 0;
  for (auto now = kStart; now < kStart + seconds(600); now += milliseconds(10)) {
    if (const auto slot = schedule.Next(down, now)) {
      ++logins;
      schedule.Ended(*slot, Cause::kPartition, now);
    }
  }
  EXPECT_LE(logins, 600 / 5 + 8);
  EXPECT_GE(logins, 600 / 5);
}

TEST(RestartScheduleTest, ASlotThatAlwaysFailsDoesNotStarveTheOthers) {
  RestartSchedule schedule(2);
  schedule.Ended(0, Cause::kPartition, kStart);
  EXPECT_EQ(schedule.Next({true, true}, kStart + seconds(10)), 1U);
}

}  // namespace
}  // namespace sealward::hsm_client
