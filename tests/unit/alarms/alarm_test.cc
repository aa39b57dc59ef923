// If these go, an alarm may say nothing that helps, or two kinds may share a name that
// rules in Prometheus match.
#include "server/alarms/alarm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace sealward::alarms {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

TEST(AlarmTable, EveryKindSaysWhatIsWrongAndWhatToDo) {
  std::set<absl::string_view> names;
  EXPECT_EQ(AllKinds().size(), kKinds);
  for (const KindInfo& info : AllKinds()) {
    EXPECT_THAT(std::string(info.name), MatchesRegex("[A-Z_]+"));
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_GT(info.text.size(), 20U) << info.name;
    EXPECT_GT(info.advice.size(), 20U) << info.name;
    EXPECT_EQ(&InfoOf(info.kind), &info);
  }
}

TEST(AlarmTable, ADescriptionHasItsDetail) {
  Alarm alarm{Kind::kPinLatched, "partitions/default", "", absl::InfinitePast()};
  EXPECT_THAT(Description(alarm), HasSubstr("sealward-hsm clear-pin-latch"));
  EXPECT_THAT(Description(alarm), Not(HasSubstr("()")));
  alarm.detail = "since Tuesday";
  EXPECT_THAT(Description(alarm), HasSubstr("(since Tuesday). What to do: "));
}

TEST(AlarmTable, TheWorstComesFirst) {
  const Alarm worst{Kind::kNothingSigns, "tenants/z/keys/z"};
  const Alarm bad{Kind::kKeyTooOld, "tenants/a/keys/a"};
  const Alarm mild{Kind::kQuarantineNotEmpty, ""};
  EXPECT_TRUE(Before(worst, bad));
  EXPECT_TRUE(Before(bad, mild));
  EXPECT_TRUE(Before({Kind::kKeyTooOld, "a"}, {Kind::kKeyTooOld, "b"}));
  EXPECT_FALSE(Before(worst, worst));
}

}  // namespace
}  // namespace sealward::alarms
