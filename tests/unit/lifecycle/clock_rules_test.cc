// If these go, a clock that jumps ahead withdraws keys whose JWTs still live, and one
// that jumps back makes a retired key sign again.
#include "server/lifecycle/clock_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace sealward::lifecycle {
namespace {

using ::testing::HasSubstr;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);
constexpr char kBoot[] = "boot-1";
constexpr char kNextBoot[] = "boot-2";

// Clocks is a machine's clocks.
struct Clocks {
  absl::Time realtime = kStart;
  absl::Duration boottime = absl::Hours(5);
  absl::string_view boot_id = kBoot;

  ClockReading Read() const { return {realtime, boottime, boot_id}; }
  Clocks& Pass(absl::Duration duration) {
    realtime += duration;
    boottime += duration;
    return *this;
  }
  Clocks& Step(absl::Duration by) {
    realtime += by;
    return *this;
  }
  // Off for `duration`.
  Clocks& Reboot(absl::Duration duration, absl::string_view id = kNextBoot) {
    realtime += duration;
    boottime = absl::Seconds(20);
    boot_id = id;
    return *this;
  }
};

ClockState First(const Clocks& clocks) { return Observe(ClockState(), clocks.Read()); }

TEST(ClockRules, TheFirstReadingIsBelieved) {
  const ClockState state = First(Clocks());
  EXPECT_EQ(LifecycleTime(state), kStart);
  EXPECT_FALSE(IsFrozen(state));
}

TEST(ClockRules, TimePassesWithTheClocks) {
  Clocks clocks;
  ClockState state = First(clocks);
  state = Observe(state, clocks.Pass(absl::Hours(300)).Read());
  EXPECT_EQ(LifecycleTime(state), kStart + absl::Hours(300));
}

TEST(ClockRules, AStepBeyondTheLimitFreezes) {
  for (const int sign : {1, -1}) {
    Clocks clocks;
    ClockState state = First(clocks);
    clocks.Pass(absl::Minutes(1)).Step(sign * (kClockStepLimit + absl::Seconds(1)));
    state = Observe(state, clocks.Read());
    EXPECT_TRUE(IsFrozen(state));
    EXPECT_EQ(LifecycleTime(state), kStart + absl::Minutes(1)) << "BOOTTIME vouches for it";
    EXPECT_THAT(state.reason, HasSubstr(sign > 0 ? "set ahead by 5m1s" : "set back by 5m1s"));
    state = Observe(state, clocks.Pass(absl::Hours(2)).Read());
    EXPECT_EQ(LifecycleTime(state), kStart + absl::Minutes(1));
    EXPECT_EQ(state.time, kStart + absl::Minutes(121)) << "the hard ends run on";
  }
}

TEST(ClockRules, AStepOfTheLimitDoesNot) {
  for (const int sign : {1, -1}) {
    Clocks clocks;
    const ClockState first = First(clocks);
    clocks.Pass(absl::Minutes(1)).Step(sign * kClockStepLimit);
    EXPECT_FALSE(IsFrozen(Observe(first, clocks.Read())));
  }
}

// Many small steps are one large one.
TEST(ClockRules, StepsAddUp) {
  Clocks clocks;
  ClockState state = First(clocks);
  for (int i = 0; i < 3 && !IsFrozen(state); ++i) {
    state = Observe(state, clocks.Pass(absl::Seconds(1)).Step(absl::Minutes(2)).Read());
  }
  EXPECT_TRUE(IsFrozen(state));
}

// A frozen clock that seems right again stays frozen: only a person knows.
TEST(ClockRules, AStepThatIsTakenBackStaysFrozen) {
  Clocks clocks;
  ClockState state = First(clocks);
  state = Observe(state, clocks.Step(absl::Hours(1)).Read());
  state = Observe(state, clocks.Step(-absl::Hours(1)).Read());
  EXPECT_TRUE(IsFrozen(state));
}

TEST(ClockRules, SmallDifferencesAreMadeUpForSlowly) {
  Clocks ahead;
  ClockState state = First(ahead);
  state = Observe(state, ahead.Step(absl::Minutes(4)).Read());
  EXPECT_EQ(LifecycleTime(state), kStart) << "no time has passed";
  state = Observe(state, ahead.Pass(absl::Minutes(100)).Read());
  EXPECT_EQ(LifecycleTime(state), kStart + absl::Minutes(101));
  state = Observe(state, ahead.Pass(absl::Minutes(400)).Read());
  EXPECT_EQ(LifecycleTime(state), ahead.realtime);

  Clocks behind;
  state = First(behind);
  state = Observe(state, behind.Step(-absl::Minutes(4)).Read());
  EXPECT_EQ(LifecycleTime(state), kStart) << "it never goes back";
  state = Observe(state, behind.Pass(absl::Minutes(4)).Read());
  EXPECT_EQ(LifecycleTime(state), kStart + absl::Minutes(2));
  state = Observe(state, behind.Pass(absl::Minutes(4)).Read());
  EXPECT_EQ(LifecycleTime(state), behind.realtime);
}

// The server was down, the machine was not: BOOTTIME knows for how long.
TEST(ClockRules, ALongDowntimeWithinOneBootIsTime) {
  Clocks clocks;
  ClockState state = First(clocks);
  state = Observe(state, clocks.Pass(absl::Hours(24 * 40)).Read());
  EXPECT_FALSE(IsFrozen(state));
  EXPECT_EQ(LifecycleTime(state), clocks.realtime);
}

TEST(ClockRules, ABootIsFollowedAheadButNotTooFar) {
  for (const auto& [downtime, frozen] :
       std::vector<std::pair<absl::Duration, bool>>{{absl::Hours(3), false},
                                                    {kLongestDowntime, false},
                                                    {kLongestDowntime + absl::Seconds(1), true}}) {
    Clocks clocks;
    ClockState state = First(clocks);
    state = Observe(state, clocks.Reboot(downtime).Read());
    EXPECT_EQ(IsFrozen(state), frozen) << downtime;
    EXPECT_EQ(LifecycleTime(state), frozen ? kStart : clocks.realtime) << downtime;
  }
}

TEST(ClockRules, ABootThatWentBackIsNotFollowed) {
  Clocks clocks;
  ClockState state = First(clocks);
  state = Observe(state, clocks.Reboot(-kClockStepLimit).Read());
  EXPECT_FALSE(IsFrozen(state));
  EXPECT_EQ(LifecycleTime(state), kStart);
  state = Observe(state, clocks.Reboot(-absl::Seconds(1), "boot-3").Read());
  EXPECT_TRUE(IsFrozen(state));
  EXPECT_THAT(state.reason, HasSubstr("after the boot"));
}

// CLOCK_BOOTTIME of another time namespace says nothing about this one.
TEST(ClockRules, ABoottimeThatWentBackIsABoot) {
  Clocks clocks;
  ClockState state = First(clocks);
  state = Observe(state, clocks.Reboot(absl::Hours(3), kBoot).Read());
  EXPECT_FALSE(IsFrozen(state));
  EXPECT_EQ(LifecycleTime(state), clocks.realtime);
}

TEST(ClockRules, FrozenOutlivesABoot) {
  Clocks clocks;
  ClockState state = First(clocks);
  state = Observe(state, clocks.Step(absl::Hours(1)).Read());
  state = Observe(state, clocks.Pass(absl::Minutes(10)).Read());
  state = Observe(state, clocks.Reboot(absl::Hours(1)).Read());
  EXPECT_TRUE(IsFrozen(state));
  EXPECT_EQ(LifecycleTime(state), kStart);
  EXPECT_EQ(state.time, kStart + absl::Minutes(10)) << "what BOOTTIME vouches for is kept";
}

TEST(ClockRules, AConfirmationGoesOnFromTheSystemsClock) {
  Clocks clocks;
  ClockState state = First(clocks);
  state = Observe(state, clocks.Step(absl::Hours(1)).Read());
  state = Confirm(state, clocks.Read());
  EXPECT_FALSE(IsFrozen(state));
  EXPECT_EQ(LifecycleTime(state), kStart + absl::Hours(1));
  state = Observe(state, clocks.Pass(absl::Minutes(1)).Read());
  EXPECT_EQ(LifecycleTime(state), clocks.realtime);
}

// Lifecycle time was wrong, and cannot go back: it waits.
TEST(ClockRules, AConfirmedClockThatIsBehindIsWaitedFor) {
  Clocks clocks;
  ClockState state = First(clocks);
  state = Observe(state, clocks.Step(-absl::Hours(1)).Read());
  state = Confirm(state, clocks.Read());
  EXPECT_TRUE(IsFrozen(state));
  EXPECT_TRUE(state.waiting);
  EXPECT_EQ(LifecycleTime(state), kStart);
  state = Observe(state, clocks.Pass(absl::Minutes(59)).Read());
  EXPECT_EQ(LifecycleTime(state), kStart);
  const ClockState stepped = Observe(state, Clocks(clocks).Step(absl::Hours(2)).Read());
  EXPECT_FALSE(stepped.waiting) << "a clock that is set again has to be confirmed again";
  EXPECT_EQ(LifecycleTime(stepped), kStart);
  state = Observe(state, clocks.Pass(absl::Minutes(2)).Read());
  EXPECT_FALSE(IsFrozen(state));
  EXPECT_TRUE(state.reason.empty());
  EXPECT_EQ(LifecycleTime(state), clocks.realtime);
}

// Any clocks, any steps, boots and confirmations: lifecycle time never goes back, and
// within a boot never passes much faster than BOOTTIME.
RC_GTEST_PROP(ClockRules, NeverGoesBackNorRuns, ()) {
  Clocks clocks;
  ClockState state = First(clocks);
  int boots = 0;
  const auto moves = *rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(0, 6), rc::gen::inRange(-1'000'000, 1'000'000)));
  std::vector<std::string> ids(moves.size());
  for (const auto& [move, amount] : moves) {
    const absl::Time before = LifecycleTime(state);
    const absl::Duration boottime = clocks.boottime;
    bool booted = false;
    bool confirmed = false;
    switch (move) {
      case 0:
        clocks.Step(absl::Seconds(amount));
        break;
      case 1:
        clocks.Step(absl::Milliseconds(amount));
        break;
      case 2:
        ids[static_cast<size_t>(boots)] = "again-" + std::to_string(boots);
        clocks.Reboot(absl::Seconds(amount), ids[static_cast<size_t>(boots)]);
        ++boots;
        booted = true;
        break;
      case 3:
        if (IsFrozen(state)) state = Confirm(state, clocks.Read());
        confirmed = true;
        break;
      default:
        clocks.Pass(absl::Milliseconds(std::abs(amount)));
    }
    const ClockState last = state;
    state = Observe(state, clocks.Read());
    const absl::Time now = LifecycleTime(state);
    RC_ASSERT(now >= before);
    if (!booted && !confirmed && !last.waiting) {
      const absl::Duration most = (1 + kFasterBy) * (clocks.boottime - boottime);
      RC_ASSERT(now - before <= most + absl::Microseconds(1));
    }
    if (IsFrozen(last) && !last.waiting) RC_ASSERT(now == before);
    if (booted) RC_ASSERT(now - before <= kLongestDowntime);
    RC_ASSERT(IsFrozen(state) == !state.reason.empty());
  }
}

}  // namespace
}  // namespace sealward::lifecycle
