// If these go, a key can be forgotten: paused, overdue, too old or without a successor,
// and nobody is told, which is how Storm-0558's key came to be seven years old.
#include "server/alarms/key_alarms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "server/lifecycle/plan.h"

namespace sealward::alarms {
namespace {

using lifecycle::VersionTimes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);
constexpr absl::Duration kDay = absl::Hours(24);
constexpr absl::Duration kPropagation = absl::Minutes(20);
constexpr absl::Duration kPeriod = absl::Hours(30 * 24);

// KeyAt is a key whose first version signs since kStart and whose second is ready.
struct KeyAt {
  KeyAt() {
    key.name = "tenants/a/keys/web";
    key.create_time = kStart;
    course.cache = {kPropagation, absl::Hours(1), false};
    course.rotation.rotation_period = kPeriod;
    course.rotation.max_signing_time = 2 * kPeriod;
    VersionTimes first;
    first.publish = first.standby = kStart;
    lifecycle::Activate(course, kStart, first);
    Add(first);
    VersionTimes second;
    second.publish = kStart;
    second.standby = kStart + kPropagation;
    Add(second);
  }
  void Add(const VersionTimes& times) {
    course.versions.push_back(times);
    auto version = std::make_shared<catalog::KeyVersion>();
    version->number = static_cast<int64_t>(course.versions.size());
    key.versions.push_back(version);
  }
  void Pause(absl::Time from, absl::Time to) {
    key.pause = catalog::Pause{"eve", "freeze", {from, to}};
    course.pause = key.pause->times;
  }
  std::vector<Alarm> At(absl::Duration after, absl::Duration frozen_for = {}) const {
    std::vector<Alarm> alarms;
    AddKeyAlarms(key, course, {kStart + after - frozen_for, kStart + after}, alarms);
    return alarms;
  }
  // "KIND" of a key, "KIND/versions/1" of a version.
  std::vector<std::string> NamesAt(absl::Duration after, absl::Duration frozen_for = {}) const {
    std::vector<std::string> names;
    for (const Alarm& alarm : At(after, frozen_for)) {
      names.push_back(std::string(InfoOf(alarm.kind).name) +
                      alarm.resource.substr(key.name.size()));
    }
    return names;
  }
  VersionTimes& first() { return course.versions[0]; }
  VersionTimes& second() { return course.versions[1]; }

  catalog::Key key;
  lifecycle::KeyCourse course;
};

TEST(KeyAlarms, NoneInTheOrdinaryCourse) {
  const KeyAt key;
  for (const absl::Duration after : {absl::ZeroDuration(), kPropagation, kDay, kPeriod}) {
    EXPECT_THAT(key.NamesAt(after), IsEmpty()) << after;
  }
}

TEST(KeyAlarms, AnOverdueRotationAndThenAnOldKey) {
  const KeyAt key;
  EXPECT_THAT(key.NamesAt(kPeriod + kRotationSlack), ElementsAre("ROTATION_OVERDUE"));
  const absl::Duration too_old = kPeriod + kPropagation + kAgeSlack;
  EXPECT_THAT(key.NamesAt(too_old - absl::Seconds(1)), ElementsAre("ROTATION_OVERDUE"));
  EXPECT_THAT(key.NamesAt(too_old), ElementsAre("KEY_TOO_OLD/versions/1", "ROTATION_OVERDUE"));
  EXPECT_EQ(key.At(too_old)[0].since, kStart + too_old);
}

// A driver that hangs, a clock that is frozen: time passes all the same.
TEST(KeyAlarms, AFrozenClockDoesNotKeepAKeyYoung) {
  const KeyAt key;
  EXPECT_THAT(key.NamesAt(kPeriod + kDay, kPeriod), ::testing::Contains("KEY_TOO_OLD/versions/1"));
}

// A pause puts the rotation off, never the alarm.
TEST(KeyAlarms, APauseDoesNotHideAnOldKey) {
  KeyAt key;
  key.Pause(kStart + kPeriod - kDay, kStart + kPeriod + 13 * kDay);
  EXPECT_THAT(key.NamesAt(kPeriod + kDay), ElementsAre("KEY_TOO_OLD/versions/1"));
}

TEST(KeyAlarms, AKeyThatIsRotatedByHandIsOldAfterAYear) {
  KeyAt key;
  key.course.rotation.rotation_period = absl::InfiniteDuration();
  key.first().sign_until = kStart + 400 * kDay;
  key.first().publish_until = kStart + 401 * kDay;
  EXPECT_THAT(key.NamesAt(kOldestByHand - absl::Seconds(1)), IsEmpty());
  EXPECT_THAT(key.NamesAt(kOldestByHand), ElementsAre("KEY_TOO_OLD/versions/1"));
  EXPECT_THAT(key.NamesAt(400 * kDay - kSignUntilNotice),
              ElementsAre("KEY_TOO_OLD/versions/1", "SIGN_UNTIL_NEAR/versions/1"));
}

TEST(KeyAlarms, TheHardEndIsNearOnlyWhereNothingFollows) {
  KeyAt key;
  key.Pause(kStart, kStart + 10 * kPeriod);
  const absl::Duration near = 2 * kPeriod - kSignUntilNotice;
  EXPECT_THAT(key.NamesAt(near - absl::Seconds(1)),
              ::testing::Not(::testing::Contains("SIGN_UNTIL_NEAR/versions/1")));
  EXPECT_THAT(key.NamesAt(near), ::testing::Contains("SIGN_UNTIL_NEAR/versions/1"));
  lifecycle::Activate(key.course, kStart + near + kDay, key.second());
  EXPECT_THAT(key.NamesAt(near), ::testing::Not(::testing::Contains("SIGN_UNTIL_NEAR/versions/1")));
}

TEST(KeyAlarms, ASuccessorThatIsLateAndAStandbyThatIsMissing) {
  KeyAt key;
  key.second().publish = absl::InfiniteFuture();
  key.second().standby = absl::InfiniteFuture();
  EXPECT_THAT(key.NamesAt(kSuccessorSlack - absl::Seconds(1)), IsEmpty());
  EXPECT_THAT(key.NamesAt(kSuccessorSlack), ElementsAre("SUCCESSOR_LATE"));
  EXPECT_THAT(key.NamesAt(kSuccessorSlack + kPropagation),
              ElementsAre("SUCCESSOR_LATE", "STANDBY_MISSING"));
}

TEST(KeyAlarms, ASuspendedStandbyIsMissing) {
  KeyAt key;
  key.second().suspend = kStart + absl::Hours(1);
  EXPECT_THAT(key.NamesAt(absl::Hours(2)), ::testing::Contains("STANDBY_MISSING"));
}

TEST(KeyAlarms, ANewKeyMayBeSilentForAWhile) {
  KeyAt key;
  key.course.versions = {VersionTimes()};
  key.key.versions.resize(1);
  EXPECT_THAT(key.NamesAt(kSuccessorSlack - absl::Seconds(1)), IsEmpty());
  EXPECT_THAT(key.NamesAt(kSuccessorSlack), ElementsAre("NOTHING_SIGNS"));
  VersionTimes& staged = key.course.versions[0];
  staged.publish = kStart;
  staged.standby = kStart + absl::Hours(2);
  lifecycle::Activate(key.course, staged.standby, staged);
  EXPECT_THAT(key.NamesAt(kSuccessorSlack), IsEmpty());
}

TEST(KeyAlarms, ASilentKeyThatHasSignedIsAnAlarmAtOnce) {
  KeyAt suspended;
  suspended.first().suspend = kStart + kDay;
  EXPECT_THAT(suspended.NamesAt(kDay), ElementsAre("NOTHING_SIGNS"));
  EXPECT_EQ(suspended.At(kDay)[0].since, kStart + kDay);

  KeyAt revoked;
  revoked.course.versions.pop_back();
  revoked.first().revoke = kStart + kDay;
  revoked.first().revoke_marked = true;
  EXPECT_THAT(revoked.NamesAt(kDay), ElementsAre("NOTHING_SIGNS"));

  KeyAt ended;
  EXPECT_THAT(ended.NamesAt(2 * kPeriod), ::testing::Contains("NOTHING_SIGNS"));
}

TEST(KeyAlarms, AnUnreadyVersionUntilEveryCacheHasIt) {
  KeyAt key;
  key.first().unready = true;
  key.first().publish = kStart - absl::Minutes(5);
  EXPECT_THAT(key.NamesAt(kPropagation - absl::Minutes(6)),
              ElementsAre("UNREADY_ACTIVATION/versions/1"));
  EXPECT_THAT(key.NamesAt(kPropagation - absl::Minutes(5)), IsEmpty());
}

TEST(KeyAlarms, APauseThatIsLongAndOneThatEnds) {
  KeyAt key;
  key.Pause(kStart, kStart + 14 * kDay);
  EXPECT_THAT(key.NamesAt(kDay), IsEmpty());
  EXPECT_THAT(key.NamesAt(kPausedLong), ElementsAre("KEY_PAUSED_LONG"));
  EXPECT_THAT(key.NamesAt(13 * kDay), ElementsAre("PAUSE_ABOUT_TO_LAPSE", "KEY_PAUSED_LONG"));
  EXPECT_THAT(key.NamesAt(14 * kDay), IsEmpty());
  key.Pause(kStart, kStart + absl::Minutes(4));
  EXPECT_THAT(key.NamesAt(absl::Minutes(3) - absl::Seconds(1)), IsEmpty());
  EXPECT_THAT(key.NamesAt(absl::Minutes(3)), ElementsAre("PAUSE_ABOUT_TO_LAPSE"));
  key.key.paused = 8 * kDay;
  EXPECT_THAT(key.NamesAt(absl::Minutes(1)), ElementsAre("KEY_PAUSED_LONG"));
}

TEST(KeyAlarms, ATombstoneAndADestructionThatAreDue) {
  KeyAt key;
  VersionTimes old;
  old.publish = old.standby = kStart - 2 * kDay;
  old.revoke = kStart;
  key.Add(old);
  EXPECT_THAT(key.NamesAt(kMarkSlack - absl::Seconds(1)), IsEmpty());
  EXPECT_THAT(key.NamesAt(kMarkSlack), ElementsAre("TOMBSTONE_PENDING/versions/3"));
  VersionTimes& times = key.course.versions[2];
  times.revoke_marked = true;
  times.schedule_destroy = kStart;
  times.destroy_due = kStart + kDay;
  EXPECT_THAT(key.NamesAt(kDay + kDestroySlack - absl::Seconds(1)), IsEmpty());
  EXPECT_THAT(key.NamesAt(kDay + kDestroySlack), ElementsAre("DESTROY_OVERDUE/versions/3"));
  times.destroy = kStart + kDay;
  EXPECT_THAT(key.NamesAt(2 * kDay), IsEmpty());
}

}  // namespace
}  // namespace sealward::alarms
