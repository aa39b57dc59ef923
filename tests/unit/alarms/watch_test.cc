// If these go, an alarm is logged every few seconds until nobody reads it, or never
// again, and rules in Prometheus look at a gauge that does not move.
#include "server/alarms/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/fakes/key_rig.h"

namespace sealward::alarms {
namespace {

using ::testing::HasSubstr;

constexpr char kUnreachable[] = "sealward_alarm{kind=\"HSM_UNREACHABLE\",severity=\"critical\"} ";

class WatchTest : public testing::Test {
 protected:
  lifecycle::ClockReading Reading() const {
    return {rig_.clock.Now(), rig_.clock.Now() - absl::UnixEpoch(), "boot"};
  }
  // What a round writes to the log.
  std::string Round() {
    testing::internal::CaptureStderr();
    watch_.Round();
    return testing::internal::GetCapturedStderr();
  }
  static bool Everything(absl::string_view /*resource*/) { return true; }

  fakes::KeyRig rig_;
  lifecycle::LifecycleClock lifecycle_{catalog::ClockMemory(), [this] { return Reading(); }};
  AlarmWatch watch_{
      {rig_.catalog.get(), &rig_.partitions, &rig_.withheld, &lifecycle_, &rig_.metrics}};
};

TEST_F(WatchTest, AnAlarmIsToldOnceWhenItBeginsAndOnceWhenItEnds) {
  EXPECT_EQ(Round(), "");
  EXPECT_THAT(rig_.metrics.Text(), HasSubstr(std::string(kUnreachable) + "0\n"));
  rig_.partition.SetAvailable(false);
  const std::string begins = Round();
  EXPECT_THAT(begins, HasSubstr("\"event\":\"alarm_begins\""));
  EXPECT_THAT(begins, HasSubstr("\"kind\":\"HSM_UNREACHABLE\""));
  EXPECT_THAT(begins, HasSubstr("\"resource\":\"partitions/default\""));
  EXPECT_THAT(rig_.metrics.Text(), HasSubstr(std::string(kUnreachable) + "1\n"));
  EXPECT_EQ(Round(), "") << "it still stands";
  rig_.partition.SetAvailable(true);
  EXPECT_THAT(Round(), HasSubstr("\"event\":\"alarm_ends\""));
  EXPECT_THAT(rig_.metrics.Text(), HasSubstr(std::string(kUnreachable) + "0\n"));
}

TEST_F(WatchTest, SinceIsWhenItWasFirstSeen) {
  Round();
  rig_.partition.SetAvailable(false);
  const absl::Time first = rig_.clock.Now();
  Round();
  rig_.clock.Advance(absl::Minutes(5));
  Round();
  const auto alarms = watch_.Current(Everything);
  ASSERT_EQ(alarms.size(), 1U);
  EXPECT_EQ(alarms[0].since, first);
}

// Whoever asks sees what is so now, not what the last round saw.
TEST_F(WatchTest, CurrentIsComputedAnew) {
  rig_.partition.SetAvailable(false);
  EXPECT_EQ(watch_.Current(Everything).size(), 1U);
  EXPECT_TRUE(watch_.Current([](absl::string_view) { return false; }).empty());
}

TEST_F(WatchTest, ManyAlarmsAreNotManyLines) {
  for (size_t i = 0; i < kMaxLinesPerRound + 5; ++i) {
    rig_.AddTenant(absl::StrCat("tenants/t", i), absl::StrCat("gone", i));
  }
  const std::string log = Round();
  EXPECT_THAT(log, HasSubstr("\"event\":\"alarms_not_logged\""));
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), kMaxLinesPerRound + 1);
}

}  // namespace
}  // namespace sealward::alarms
