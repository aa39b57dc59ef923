// If these go, a restart forgets how late it was, or a clock that was set moves every
// key at once.
#include "server/lifecycle/lifecycle_clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "server/catalog/layout.h"
#include "server/lifecycle/clock_keeper.h"
#include "tests/fakes/key_rig.h"

namespace sealward::lifecycle {
namespace {

using ::testing::HasSubstr;

// ClockRig is a machine whose clock can be set, and a store that outlives restarts.
struct ClockRig {
  ClockReading Read() const {
    return {rig.clock.Now() + step, rig.clock.Now() - absl::UnixEpoch() - booted, boot};
  }
  // The clock of a server that starts now.
  void Start() {
    keeper.reset();
    clock = std::make_unique<LifecycleClock>(rig.catalog->Get()->clock, [this] { return Read(); });
    keeper = std::make_unique<ClockKeeper>(
        ClockKeeper::Options{rig.catalog.get(), clock.get(), &rig.metrics});
  }
  ClockRig() { Start(); }

  fakes::KeyRig rig;
  absl::Duration step;
  absl::Duration booted;
  std::string boot = "boot-1";
  std::unique_ptr<LifecycleClock> clock;
  std::unique_ptr<ClockKeeper> keeper;
};

TEST(LifecycleClock, ReadsTheSystem) {
  const LifecycleClock clock{catalog::ClockMemory()};
  const absl::Time before = absl::Now();
  EXPECT_LT(absl::AbsDuration(clock.Now() - before), absl::Minutes(1));
  EXPECT_GE(clock.Now(), before - absl::Seconds(1));
  EXPECT_GT(ReadSystemClocks().boottime, absl::ZeroDuration());
  EXPECT_FALSE(ReadSystemClocks().boot_id.empty());
}

TEST(LifecycleClock, StandsStillAfterAStepWhileTheRunningClockRuns) {
  ClockRig rig;
  const absl::Time start = rig.clock->Now();
  rig.step = absl::Hours(1);
  EXPECT_EQ(rig.clock->Now(), start);
  rig.rig.clock.Advance(absl::Minutes(10));
  EXPECT_EQ(rig.clock->Now(), start);
  EXPECT_EQ(rig.clock->running().Now(), start + absl::Minutes(10));
  EXPECT_EQ(rig.clock->Realtime(), start + absl::Minutes(70));
}

TEST(LifecycleClock, AConfirmationCounts) {
  ClockRig rig;
  rig.clock->Now();
  rig.step = absl::Hours(1);
  rig.clock->Now();
  rig.clock->CompleteConfirmation(rig.clock->PrepareConfirmation());
  EXPECT_EQ(rig.clock->Now(), rig.clock->Realtime());
}

TEST(LifecycleClock, SurvivesARestart) {
  ClockRig rig;
  ASSERT_TRUE(rig.keeper->Check().ok());
  rig.rig.clock.Advance(absl::Hours(1));
  rig.Start();
  EXPECT_EQ(rig.clock->Now(), rig.rig.clock.Now());
  rig.step = -absl::Hours(1);
  rig.Start();
  const absl::Time frozen = rig.clock->Now();
  ASSERT_TRUE(rig.keeper->Check().ok());
  rig.step = absl::ZeroDuration();
  rig.rig.clock.Advance(absl::Minutes(1));
  rig.Start();
  EXPECT_EQ(rig.clock->Now(), frozen) << "a restart is no confirmation";
}

// The store was last written before the boot, and the clock came up in the past.
TEST(LifecycleClock, ABootInThePastIsNotBelieved) {
  ClockRig rig;
  ASSERT_TRUE(rig.keeper->Check().ok());
  const absl::Time before = rig.clock->Now();
  rig.rig.clock.Advance(absl::Minutes(1));
  rig.boot = "boot-2";
  rig.booted = rig.rig.clock.Now() - absl::UnixEpoch();
  rig.step = -absl::Hours(24 * 365);
  rig.Start();
  EXPECT_EQ(rig.clock->Now(), before);
  EXPECT_TRUE(IsFrozen(rig.clock->state()));
}

TEST(ClockKeeper, WritesOncePerPeriodAndWhenTheClockFreezes) {
  ClockRig rig;
  const auto revision = [&rig] { return rig.rig.catalog->Get()->clock.mod_revision; };
  ASSERT_TRUE(rig.keeper->Check().ok());
  const int64_t first = revision();
  EXPECT_GT(first, 0);
  rig.rig.clock.Advance(kClockWritePeriod - absl::Seconds(1));
  ASSERT_TRUE(rig.keeper->Check().ok());
  EXPECT_EQ(revision(), first);
  rig.rig.clock.Advance(absl::Seconds(1));
  ASSERT_TRUE(rig.keeper->Check().ok());
  const int64_t second = revision();
  EXPECT_GT(second, first);
  testing::internal::CaptureStderr();
  rig.step = absl::Hours(1);
  ASSERT_TRUE(rig.keeper->Check().ok());
  ASSERT_TRUE(rig.keeper->Check().ok());
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_GT(revision(), second);
  EXPECT_EQ(rig.rig.catalog->Get()->clock.frozen, rig.clock->Now());
  EXPECT_THAT(log, HasSubstr("\"event\":\"clock_frozen\""));
  EXPECT_EQ(log.find("clock_frozen"), log.rfind("clock_frozen")) << "told once";
}

// What is committed at a lifecycle time must find that time again.
TEST(ClockKeeper, ATransactionCarriesTheClock) {
  ClockRig rig;
  rig.rig.clock.Advance(absl::Seconds(30));
  store::Transaction transaction;
  rig.keeper->AddTo(transaction);
  ASSERT_TRUE(rig.rig.catalog->Commit(transaction).ok());
  EXPECT_EQ(rig.rig.catalog->Get()->clock.high_water, rig.rig.clock.Now());
  transaction.operations.assign(store::kMaxTransactionOperations, {});
  rig.keeper->AddTo(transaction);
  EXPECT_EQ(transaction.operations.size(), store::kMaxTransactionOperations);
}

// Keys stand still with their clock: no switch, no withdrawal, no successor too many.
TEST(LifecycleClock, AFrozenClockFreezesTheKeys) {
  ClockRig rig;
  rig.rig.AddTenantAndIssuer();
  KeyManager::Options options;
  options.catalog = rig.rig.catalog.get();
  options.partitions = &rig.rig.partitions;
  options.clock = rig.clock.get();
  options.wall = &rig.rig.clock;
  options.epochs = rig.rig.epochs.get();
  options.metrics = &rig.rig.metrics;
  options.stamp = [&rig](store::Transaction& transaction) { rig.keeper->AddTo(transaction); };
  KeyManager manager(options);
  auto key = fakes::KeyRig::NewKey();
  ASSERT_TRUE(manager.CreateKey(key, rig.rig.clock.Now() + absl::Hours(1)).ok());
  EXPECT_GT(rig.rig.catalog->Get()->clock.mod_revision, 0) << "stamped by the commit";
  ASSERT_TRUE(manager.Advance(fakes::kKey).ok());
  const auto states = [&rig] {
    std::string all;
    for (const auto& version : rig.rig.Key()->versions) {
      absl::StrAppend(&all, StateName(StateAt(version->times, rig.clock->Now())), " ");
    }
    return all;
  };
  EXPECT_EQ(states(), "ACTIVE STAGED ");
  rig.step = absl::Hours(24 * 300);
  EXPECT_EQ(states(), "ACTIVE STAGED ");
  rig.rig.clock.Advance(absl::Hours(24));
  ASSERT_TRUE(manager.Advance(fakes::kKey).ok());
  EXPECT_EQ(states(), "ACTIVE STAGED ") << "not even a STANDBY";
}

}  // namespace
}  // namespace sealward::lifecycle
