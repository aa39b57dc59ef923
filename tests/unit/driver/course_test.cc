// Every step of a key's course, done by the driver: each action, each crash between two
// steps, outages, two servers on one store. If these break, a key is not rotated or
// destroyed on time, or a crash leaves the store and the partition apart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/lifecycle/intervene.h"
#include "tests/fakes/key_rig.h"

namespace sealward::lifecycle {
namespace {

using fakes::KeyRig;
using fakes::kKey;
using testing::Contains;
using Verb = hsm::v1::Operation;

constexpr absl::Duration kPeriod = absl::Hours(24 * 7);
constexpr absl::Duration kDestroyAfter = absl::Hours(24);
constexpr absl::Duration kWindow = absl::Hours(48);
constexpr auto kAlways = [](const catalog::Key&) { return true; };
constexpr auto kNothingMore = [](store::Transaction&) {};

class CourseTest : public testing::Test {
 protected:
  CourseTest() {
    rig_.AddTenantAndIssuer();
    EXPECT_TRUE(rig_.manager->CreateKey(KeyRig::NewKey(), absl::InfiniteFuture()).ok());
    Change([](catalog::Key& key, const KeyCourse&, absl::Time) {
      key.rotation_policy.rotation_period = kPeriod;
      key.rotation_policy.destroy_after = kDestroyAfter;
      key.rotation_policy.recovery_window = kWindow;
    });
    Pass();
    EXPECT_EQ(rig_.States(), "ACTIVE STAGED");
  }

  // Passes until nothing more is due now.
  void Pass() {
    for (int i = 0; i < 50 && rig_.driver->RunPass() <= rig_.clock.Now(); ++i) {
    }
  }
  // Lets `time` go by, with a pass at every time at which the driver wants one.
  void Live(absl::Duration time) {
    const absl::Time end = rig_.clock.Now() + time;
    while (rig_.clock.Now() < end) {
      const absl::Time wake = rig_.driver->RunPass();
      const absl::Time next = std::clamp(wake, rig_.clock.Now(), end);
      rig_.clock.Advance(next - rig_.clock.Now());
    }
    Pass();
  }
  template <typename Edit>
  void Change(Edit edit) {
    const auto decide = [&edit](const catalog::Key& seen, const KeyCourse& course,
                                absl::Time now) -> absl::StatusOr<catalog::Key> {
      catalog::Key next = seen;
      edit(next, course, now);
      return next;
    };
    const auto changed =
        rig_.manager->ChangeKey(kKey, kAlways, decide, absl::InfiniteFuture(), kNothingMore);
    ASSERT_TRUE(changed.ok()) << changed.status();
  }
  void RevokeVersion(size_t index) {
    Change([index](catalog::Key& key, const KeyCourse& course, absl::Time now) {
      const std::array<size_t, 1> one = {index};
      key = catalog::WithTimes(key, Revoke(course, one, WithoutStandby::kRefuse, now).versions);
    });
  }
  void PauseKey(absl::Duration duration) {
    Change([duration](catalog::Key& key, const KeyCourse& course, absl::Time now) {
      key = catalog::WithTimes(key, Pause(course, now));
      key.pause = catalog::Pause{"operator", "incident", {now, now + duration}};
    });
  }
  const VersionTimes& Times(size_t index) { return rig_.Key()->versions[index]->times; }
  const std::string& Object(size_t index) { return rig_.Key()->versions[index]->object_id; }
  // Until version 1 waits for its destruction.
  void LiveUntilScheduled() {
    Live(kPeriod + absl::Hours(2) + kDestroyAfter);
    ASSERT_EQ(rig_.States(), "DESTROY_SCHEDULED ACTIVE STANDBY");
  }

  KeyRig rig_;
};

TEST_F(CourseTest, AVersionGoesAllTheWayByItself) {
  Live(kPeriod - absl::Seconds(1));
  EXPECT_EQ(rig_.States(), "ACTIVE STANDBY");
  Live(absl::Seconds(1));
  EXPECT_EQ(rig_.States(), "VERIFY_ONLY ACTIVE STAGED");
  Live(absl::Hours(1) + kClockSkew + kRetireSafety);
  EXPECT_EQ(rig_.States(), "WITHDRAWN ACTIVE STANDBY");
  Live(kDestroyAfter);
  EXPECT_EQ(rig_.States(), "DESTROY_SCHEDULED ACTIVE STANDBY");
  EXPECT_TRUE(Times(0).destroy_marked);
  EXPECT_EQ(rig_.partition.mark(Object(0))->kind(), hsm::v1::Mark::KIND_DESTROY_SCHEDULED);
  EXPECT_THAT(rig_.partition.forgotten(), Contains(Object(0)));
  Live(kWindow - absl::Seconds(1));
  EXPECT_TRUE(rig_.partition.has_object(Object(0)));
  Live(absl::Seconds(1));
  EXPECT_EQ(rig_.States(), "DESTROYED ACTIVE STANDBY");
  EXPECT_FALSE(rig_.partition.has_object(Object(0)));
  EXPECT_EQ(rig_.partition.mark(Object(0))->kind(), hsm::v1::Mark::KIND_DESTROYED);
  EXPECT_FALSE(rig_.Key()->versions[0]->spki.empty());  // the public key stays
}

TEST_F(CourseTest, ARevokedVersionGetsItsTombstoneAndIsReplacedTwice) {
  Live(fakes::kPropagation);
  RevokeVersion(0);
  EXPECT_EQ(rig_.States(), "REVOKED ACTIVE");
  rig_.clock.Advance(absl::Milliseconds(1));  // what is to be fresh is made after
  Pass();
  // The fresh one, whose switch is planned already, and the one after it.
  EXPECT_EQ(rig_.States(), "REVOKED ACTIVE STAGED STAGED");
  EXPECT_TRUE(Times(0).revoke_marked);
  EXPECT_EQ(rig_.partition.mark(Object(0))->kind(), hsm::v1::Mark::KIND_REVOKED);
  Live(fakes::kPropagation);
  EXPECT_EQ(rig_.States(), "REVOKED VERIFY_ONLY ACTIVE STANDBY");
}

TEST_F(CourseTest, ACancelledDestructionLosesItsMark) {
  LiveUntilScheduled();
  Change([](catalog::Key& key, const KeyCourse& course, absl::Time now) {
    key = catalog::WithTimes(key, CancelDestroy(course, 0, now));
  });
  Pass();
  EXPECT_EQ(rig_.States(), "WITHDRAWN ACTIVE STANDBY");
  EXPECT_FALSE(rig_.partition.mark(Object(0)).has_value());
  EXPECT_FALSE(Times(0).destroy_marked);
}

TEST_F(CourseTest, APauseStopsSwitchesAndDestructionsAndIsCountedOnce) {
  Live(kPeriod - absl::Hours(1));
  PauseKey(absl::Hours(3));
  Live(absl::Hours(2));
  EXPECT_EQ(rig_.States(), "ACTIVE STANDBY");
  Live(absl::Hours(1));
  EXPECT_EQ(rig_.States(), "VERIFY_ONLY ACTIVE STAGED");
  EXPECT_FALSE(rig_.Key()->pause.has_value());
  EXPECT_EQ(rig_.Key()->paused, absl::ZeroDuration());  // the switch begins anew
  Live(absl::Hours(1));
  PauseKey(absl::Hours(2));
  Live(absl::Hours(5));
  EXPECT_FALSE(rig_.Key()->pause.has_value());
  EXPECT_EQ(rig_.Key()->paused, absl::Hours(2));
  PauseKey(absl::Hours(1));
  Live(absl::Hours(2));
  EXPECT_EQ(rig_.Key()->paused, absl::Hours(3));
  Live(kPeriod);
  EXPECT_EQ(rig_.Key()->paused, absl::ZeroDuration());
}

// A mark that an outage has delayed: the HSM's own window is not shortened for it.
TEST_F(CourseTest, AMarkThatComesTooLatePutsTheDestructionOff) {
  Live(kPeriod + absl::Hours(2));
  rig_.partition.SetAvailable(false);
  Live(kDestroyAfter + kWindow - absl::Hours(2));
  EXPECT_EQ(rig_.States(), "DESTROY_SCHEDULED ACTIVE STANDBY");
  EXPECT_FALSE(Times(0).destroy_marked);
  rig_.partition.SetAvailable(true);
  Live(kLastRetryDelay);
  EXPECT_TRUE(Times(0).destroy_marked);
  EXPECT_GE(Times(0).destroy_due, rig_.clock.Now() + fakes::kLeastDestroyWindow);
  Live(Times(0).destroy_due - rig_.clock.Now());
  EXPECT_EQ(rig_.States(), "DESTROYED ACTIVE STANDBY");
}

// Without the mark Destroy would be refused for ever.
TEST_F(CourseTest, AMarkThatIsGoneIsMadeAgainWithAWindowOfItsOwn) {
  LiveUntilScheduled();
  Live(Times(0).destroy_due - rig_.clock.Now() - absl::Minutes(1));
  hsm::v1::Operation cancel;  // by somebody else, or by a partition from a backup
  cancel.mutable_cancel_destroy()->mutable_object()->set_object_id(Object(0));
  cancel.mutable_cancel_destroy()->mutable_object()->set_key(kKey);
  cancel.mutable_cancel_destroy()->mutable_object()->set_purpose(hsm::v1::OBJECT_PURPOSE_JWT);
  ASSERT_EQ(rig_.partition.Call(cancel, absl::InfiniteFuture())->code(), 0);
  Live(absl::Hours(1));
  EXPECT_EQ(rig_.States(), "DESTROY_SCHEDULED ACTIVE STANDBY");
  EXPECT_TRUE(Times(0).destroy_marked);
  EXPECT_TRUE(rig_.partition.mark(Object(0)).has_value());
  Live(fakes::kLeastDestroyWindow * 2);
  EXPECT_EQ(rig_.States(), "DESTROYED ACTIVE STANDBY");
}

TEST_F(CourseTest, AnHsmWhoseClockIsBehindIsAskedAgain) {
  LiveUntilScheduled();
  Live(Times(0).destroy_due - rig_.clock.Now() - absl::Minutes(1));
  hsm::v1::Result early;
  early.set_code(static_cast<int>(absl::StatusCode::kFailedPrecondition));
  early.set_reason("WINDOW_OPEN");
  rig_.partition.AnswerNextOf(Verb::kDestroy, early);
  Live(absl::Minutes(1));
  EXPECT_EQ(rig_.States(), "DESTROY_SCHEDULED ACTIVE STANDBY");
  Live(kWindowRetryDelay);
  EXPECT_EQ(rig_.States(), "DESTROYED ACTIVE STANDBY");
}

TEST_F(CourseTest, WithoutMarksTheStoreCountsButNothingIsCalledDestroyed) {
  rig_.partition.SetHasMarks(false);
  LiveUntilScheduled();
  EXPECT_TRUE(Times(0).destroy_marked);
  Live(kWindow + absl::Hours(2));
  EXPECT_EQ(rig_.States(), "DESTROY_SCHEDULED ACTIVE STANDBY");
  EXPECT_TRUE(rig_.partition.has_object(Object(0)));
  EXPECT_LT(rig_.partition.requests(Verb::kDestroy), 50);  // not over and over
}

// The HSM is away for a rotation and more: what needs no HSM goes on.
TEST_F(CourseTest, AnOutageDelaysWhatNeedsTheHsmOnly) {
  Live(kPeriod - absl::Seconds(1));
  rig_.partition.SetAvailable(false);
  Live(absl::Seconds(1));
  EXPECT_EQ(rig_.States(), "VERIFY_ONLY ACTIVE PENDING");
  Live(absl::Hours(2));
  EXPECT_EQ(rig_.States(), "WITHDRAWN ACTIVE PENDING");
  rig_.partition.SetAvailable(true);
  Live(kLastRetryDelay);
  EXPECT_EQ(rig_.States(), "WITHDRAWN ACTIVE STAGED");
}

// One key's HSM work fails for ever, and looks like an outage each time.
TEST_F(CourseTest, AKeyThatKeepsFailingHoldsUpNoOther) {
  rig_.AddIssuer("tenants/a/issuers/more", true);
  hsm::v1::Result failure;
  failure.set_code(static_cast<int>(absl::StatusCode::kUnavailable));
  Live(fakes::kPropagation);
  RevokeVersion(0);
  for (int i = 0; i < 20; ++i) {
    const std::string name = absl::StrCat("tenants/a/keys/more-", i);
    rig_.partition.AnswerNextOf(Verb::kRevoke, failure);
    rig_.driver->RunPass();
    ASSERT_TRUE(
        rig_.manager
            ->CreateKey(KeyRig::NewKey(name, "tenants/a/issuers/more"), absl::InfiniteFuture())
            .ok());
    rig_.clock.Advance(kLastRetryDelay);
    if (i == 3) break;
  }
  rig_.partition.AnswerNextOf(Verb::kRevoke, failure);
  Live(absl::Minutes(3));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(rig_.Key(absl::StrCat("tenants/a/keys/more-", i))->versions.size(), 2U) << i;
  }
}

// A crash: the process ends at this point and another begins on what is there.
struct Crash {
  const char* name;
  void (*arm)(KeyRig& rig);
};
const Crash kCrashes[] = {
    {"before the tombstone", [](KeyRig& rig) { rig.partition.SetAvailable(false); }},
    {"after the tombstone", [](KeyRig& rig) { rig.partition.LoseAnswersOf(Verb::kRevoke, 1); }},
    {"before all have forgotten", [](KeyRig& rig) { rig.partition.FailNextForget(); }},
    {"after the mark of destruction",
     [](KeyRig& rig) { rig.partition.LoseAnswersOf(Verb::kScheduleDestroy, 1); }},
    {"after the destruction", [](KeyRig& rig) { rig.partition.LoseAnswersOf(Verb::kDestroy, 1); }},
    {"within the destruction", [](KeyRig& rig) { rig.partition.InterruptNextDestroy(); }},
    {"after the key pair", [](KeyRig& rig) { rig.partition.LoseAnswersOfGenerate(1); }},
    {"store, first commit", [](KeyRig& rig) { rig.counted->FailCommits(1); }},
    {"store, two commits", [](KeyRig& rig) { rig.counted->FailCommits(2); }},
    {"store, second commit",
     [](KeyRig& rig) { rig.counted->BeforeNextCommit([&rig] { rig.counted->FailCommits(1); }); }},
};

class CrashTest : public CourseTest, public testing::WithParamInterface<Crash> {
 protected:
  void CrashNow() {
    GetParam().arm(rig_);
    rig_.driver->RunPass();
    rig_.Restart();
    rig_.partition.SetAvailable(true);
  }
};

TEST_P(CrashTest, AtEveryPointOfTheCourseLeavesNothingHalfDone) {
  Live(kPeriod);
  for (const absl::Duration until :
       {absl::Hours(2), kDestroyAfter, kWindow - absl::Minutes(1), absl::Minutes(2)}) {
    rig_.clock.Advance(until);
    CrashNow();
    Pass();
  }
  RevokeVersion(1);
  CrashNow();
  Live(absl::Hours(1));
  EXPECT_EQ(Times(0).destroy != absl::InfiniteFuture(), !rig_.partition.has_object(Object(0)));
  EXPECT_EQ(StateAt(Times(0), rig_.clock.Now()), State::kDestroyed);
  EXPECT_EQ(StateAt(Times(1), rig_.clock.Now()), State::kRevoked);
  EXPECT_TRUE(Times(1).revoke_marked);
  EXPECT_TRUE(SigningVersionAt(catalog::TimesOf(*rig_.Key()), rig_.clock.Now()).has_value());
  // Every object is a version's, and every version that is not destroyed has its object.
  const auto report =
      Reconcile(*rig_.catalog, rig_.partitions.all().front(), absl::InfiniteFuture());
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->unknown.empty());
  EXPECT_TRUE(report->missing.empty()) << report->Alarm();
  EXPECT_EQ(rig_.partition.object_count(), rig_.Key()->versions.size() - 1);
}

INSTANTIATE_TEST_SUITE_P(All, CrashTest, testing::ValuesIn(kCrashes),
                         [](const testing::TestParamInfo<Crash>& crash) {
                           std::string name = crash.param.name;
                           std::erase_if(name, [](char c) { return c == ' ' || c == ','; });
                           return name;
                         });

// Two servers' drivers on one store: of two that decide at once one is refused, looks
// again, and finds it done.
TEST_F(CourseTest, TwoManagersOnOneStoreDoEverythingOnce) {
  const auto catalog = *catalog::Catalog::Load(rig_.store.get());
  KeyManager::Options options;
  options.catalog = catalog.get();
  options.partitions = &rig_.partitions;
  options.clock = &rig_.clock;
  options.metrics = &rig_.metrics;
  options.random = SystemRandomBytes;
  options.epochs = rig_.epochs.get();
  KeyManager other(options);
  rig_.clock.Advance(kPeriod);
  bool came_first = false;
  rig_.counted->BeforeNextCommit([&] {
    ASSERT_TRUE(other.Advance(kKey).ok());
    came_first = true;
  });
  const auto refused = rig_.manager->Advance(kKey);
  ASSERT_TRUE(refused.ok()) << refused.status();
  EXPECT_TRUE(came_first);
  EXPECT_EQ(*refused, rig_.clock.Now() + kBusyRetryDelay);
  rig_.clock.Advance(kBusyRetryDelay);
  ASSERT_TRUE(rig_.manager->Advance(kKey).ok());
  EXPECT_EQ(rig_.States(), "VERIFY_ONLY ACTIVE STAGED");
  EXPECT_EQ(rig_.partition.object_count(), 3U);
}

}  // namespace
}  // namespace sealward::lifecycle
