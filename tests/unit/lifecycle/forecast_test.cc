// What an operator is told will happen. If this goes, `keys plan` promises a switch
// that does not come, or hides one that does.
#include "server/lifecycle/forecast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/lifecycle/intervene.h"
#include "server/lifecycle/plan.h"
#include "server/lifecycle/policy.h"

namespace sealward::lifecycle {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);
constexpr absl::Duration kDay = absl::Hours(24);

// A key that is rotated every ten days, with its first version signing.
KeyCourse NewCourse() {
  KeyCourse course;
  course.cache = {absl::Minutes(20), absl::Hours(1)};
  RotationPolicy policy;
  policy.rotation_period = 10 * kDay;
  policy.max_signing_time = absl::ZeroDuration();
  policy.max_standby_time = absl::ZeroDuration();
  policy.destroy_after = absl::ZeroDuration();
  course.rotation = WithDefaults(policy);
  course.versions.emplace_back();
  course.cache.never_published = true;
  course.versions[0] = TimesOfNewVersion(course, 0, kStart);
  course.cache.never_published = false;
  return course;
}

// "v2 ACTIVE day 10" and so on.
std::vector<std::string> Text(const Forecast& forecast) {
  std::vector<std::string> lines;
  lines.reserve(forecast.events.size());
  for (const ForecastEvent& event : forecast.events) {
    lines.push_back(absl::StrCat("v", event.version + 1, " ", StateName(event.state), " day ",
                                 absl::FDivDuration(absl::Trunc(event.time - kStart, kDay), kDay)));
  }
  return lines;
}

TEST(ForecastTest, TellsAWholeRotation) {
  const Forecast forecast = ForecastKey(NewCourse(), kStart, kStart + 11 * kDay);
  EXPECT_THAT(Text(forecast),
              ElementsAre("v2 STAGED day 0", "v2 STANDBY day 0", "v1 VERIFY_ONLY day 10",
                          "v2 ACTIVE day 10", "v3 STAGED day 10", "v3 STANDBY day 10",
                          "v1 WITHDRAWN day 10"));
  EXPECT_EQ(forecast.events[3].takes_over_from, 0U);
  EXPECT_FALSE(forecast.truncated);
}

// What it says is what the planner does: each version's times at the end are those
// that stepping through gives.
TEST(ForecastTest, EveryStateIsTheOneOfTheTimes) {
  const Forecast forecast = ForecastKey(NewCourse(), kStart, kStart + 100 * kDay);
  for (const ForecastEvent& event : forecast.events) {
    EXPECT_EQ(StateAt(forecast.versions[event.version], event.time), event.state);
  }
  int switches = 0;
  for (const ForecastEvent& event : forecast.events) switches += event.state == State::kActive;
  EXPECT_EQ(switches, 10);
}

TEST(ForecastTest, DestroysWhatThePolicySays) {
  KeyCourse course = NewCourse();
  course.rotation.destroy_after = 2 * kDay;
  course.rotation.recovery_window = 3 * kDay;
  const auto lines = Text(ForecastKey(course, kStart, kStart + 16 * kDay));
  EXPECT_THAT(lines, Contains("v1 DESTROY_SCHEDULED day 12"));
  EXPECT_THAT(lines, Contains("v1 DESTROYED day 15"));
}

TEST(ForecastTest, APauseMovesTheSwitch) {
  KeyCourse course = NewCourse();
  course.pause = PauseTimes{kStart, kStart + 12 * kDay};
  const auto lines = Text(ForecastKey(course, kStart, kStart + 13 * kDay));
  EXPECT_THAT(lines, Contains("v2 ACTIVE day 12"));
  EXPECT_THAT(lines, Not(Contains("v2 ACTIVE day 10")));
}

TEST(ForecastTest, ThePastIsNotTold) {
  const KeyCourse course = NewCourse();
  const absl::Time now = kStart + absl::Hours(1);
  for (const ForecastEvent& event : ForecastKey(course, now, now + kDay).events) {
    EXPECT_GE(event.time, now);
  }
}

// A key that nobody could list to the end must not keep the server busy.
TEST(ForecastTest, EndsAtItsLimit) {
  KeyCourse course = NewCourse();
  course.rotation.rotation_period = absl::Minutes(21);
  course.rotation.max_signing_time = absl::Hours(2);
  course.rotation.max_standby_time = absl::Hours(2);
  const Forecast forecast = ForecastKey(course, kStart, kStart + kLongestHorizon);
  EXPECT_TRUE(forecast.truncated);
  EXPECT_EQ(forecast.events.size(), kMaxForecastEvents);
}

TEST(ForecastTest, AFullJwksHasNoSuccessor) {
  KeyCourse course = NewCourse();
  course.jwks_room = 0;
  const Forecast forecast = ForecastKey(course, kStart, kStart + 5 * kDay);
  EXPECT_TRUE(forecast.no_room);
  EXPECT_TRUE(forecast.events.empty());
}

TEST(ForecastTest, AfterARevocationAFreshVersionTakesOver) {
  KeyCourse course = NewCourse();
  course.versions = ForecastKey(course, kStart, kStart + kDay).versions;
  const absl::Time now = kStart + kDay;
  const std::vector<size_t> which = {0};
  course.versions = Revoke(course, which, WithoutStandby::kRefuse, now).versions;
  const Forecast forecast = ForecastKey(course, now + absl::Microseconds(1), now + absl::Hours(1));
  ASSERT_FALSE(forecast.events.empty());
  bool fresh = false;
  for (const ForecastEvent& event : forecast.events) {
    fresh |= event.state == State::kActive && event.version == 2;
  }
  EXPECT_TRUE(fresh) << absl::StrCat(Text(forecast).size());
}

}  // namespace
}  // namespace sealward::lifecycle
