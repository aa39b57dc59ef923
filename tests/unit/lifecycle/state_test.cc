#include "server/lifecycle/state.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace sealward::lifecycle {
namespace {

constexpr absl::Time kNever = absl::InfiniteFuture();

absl::Time At(int seconds) { return absl::FromUnixSeconds(1'800'000'000 + seconds); }

VersionTimes Times(absl::Time publish, absl::Time standby = kNever, absl::Time activate = kNever,
                   absl::Time retire = kNever, absl::Time withdraw = kNever) {
  return {publish, standby, activate, retire, withdraw};
}

const VersionTimes kWhole = Times(At(10), At(20), At(30), At(40), At(50));

// The table of ARCHITECTURE.md, moment by moment: each time begins its state.
TEST(StateAtTest, EveryTimeBeginsItsState) {
  const struct {
    int second;
    State state;
  } rows[] = {
      {0, State::kPending},     {9, State::kPending},    {10, State::kStaged},
      {19, State::kStaged},     {20, State::kStandby},   {29, State::kStandby},
      {30, State::kActive},     {39, State::kActive},    {40, State::kVerifyOnly},
      {49, State::kVerifyOnly}, {50, State::kWithdrawn}, {99, State::kWithdrawn},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(StateAt(kWhole, At(row.second)), row.state) << "second " << row.second;
  }
}

// "Not planned" must hold for any clock, or a version without a key pair could be published.
TEST(StateAtTest, NotPlannedIsNeverReached) {
  EXPECT_EQ(StateAt(VersionTimes{}, kNever), State::kPending);
  EXPECT_EQ(StateAt(Times(At(10)), kNever), State::kStaged);
  EXPECT_EQ(StateAt(Times(At(10), At(20)), kNever), State::kStandby);
  EXPECT_EQ(StateAt(Times(At(10), At(20), At(30)), kNever), State::kActive);
}

// A first version of an issuer that nobody caches passes three states in one moment.
TEST(StateAtTest, EqualTimesSkipStates) {
  const VersionTimes at_once = Times(At(10), At(10), At(10));
  EXPECT_EQ(StateAt(at_once, At(9)), State::kPending);
  EXPECT_EQ(StateAt(at_once, At(10)), State::kActive);
  const VersionTimes gone = Times(At(10), At(10), At(10), At(10), At(10));
  EXPECT_EQ(StateAt(gone, At(10)), State::kWithdrawn);
}

// A record with broken times must not sign, and must not take honest JWTs with it.
TEST(StateAtTest, BrokenOrderIsVerifyOnlyWhilePublished) {
  const VersionTimes retired_early = Times(At(10), At(20), At(30), At(25), At(50));
  EXPECT_FALSE(IsInOrder(retired_early));
  EXPECT_EQ(StateAt(retired_early, At(9)), State::kPending);
  EXPECT_EQ(StateAt(retired_early, At(10)), State::kVerifyOnly);
  EXPECT_EQ(StateAt(retired_early, At(35)), State::kVerifyOnly);
  EXPECT_EQ(StateAt(retired_early, At(50)), State::kWithdrawn);
  EXPECT_EQ(StateAt(Times(kNever, At(20), At(30)), At(35)), State::kPending);
  EXPECT_EQ(StateAt(Times(At(60), At(60), At(60), At(60), At(50)), At(60)), State::kWithdrawn);
}

// What stands in the JWKS is decided here and nowhere else.
TEST(StateAtTest, PublishedStates) {
  EXPECT_FALSE(IsPublished(State::kPending));
  EXPECT_TRUE(IsPublished(State::kStaged));
  EXPECT_TRUE(IsPublished(State::kStandby));
  EXPECT_TRUE(IsPublished(State::kActive));
  EXPECT_TRUE(IsPublished(State::kVerifyOnly));
  EXPECT_FALSE(IsPublished(State::kWithdrawn));
}

TEST(SigningVersionAtTest, NoneSignsWhereNoneIsActive) {
  EXPECT_EQ(SigningVersionAt({}, At(0)), std::nullopt);
  const std::vector versions = {VersionTimes{}, Times(At(10), At(20)), kWhole};
  EXPECT_EQ(SigningVersionAt(versions, At(25)), std::nullopt);
  EXPECT_EQ(SigningVersionAt(versions, At(35)), 2U);
  EXPECT_EQ(SigningVersionAt(versions, At(45)), std::nullopt);
}

// The predecessor signs up to the last instant before the switch, the successor from it on.
TEST(SigningVersionAtTest, HandsOverAtTheSwitch) {
  const std::vector versions = {Times(At(0), At(0), At(0), At(30), At(90)),
                                Times(At(10), At(20), At(30))};
  EXPECT_EQ(SigningVersionAt(versions, At(30) - absl::Nanoseconds(1)), 0U);
  EXPECT_EQ(SigningVersionAt(versions, At(30)), 1U);
}

// Overlaps are not made, but if a store has one every server must pick the same version.
TEST(SigningVersionAtTest, LatestActivateWinsThenTheLastOne) {
  const VersionTimes early = Times(At(0), At(0), At(10));
  const VersionTimes late = Times(At(0), At(0), At(20));
  EXPECT_EQ(SigningVersionAt(std::vector{late, early}, At(25)), 0U);
  EXPECT_EQ(SigningVersionAt(std::vector{early, late}, At(25)), 1U);
  EXPECT_EQ(SigningVersionAt(std::vector{early, late}, At(15)), 0U);
  EXPECT_EQ(SigningVersionAt(std::vector{late, late}, At(25)), 1U);
}

TEST(NextChangeTest, IsTheEarliestChangeOfAnyVersion) {
  EXPECT_EQ(NextChange({}, At(0)), kNever);
  const std::vector versions = {kWhole, Times(At(15), At(35))};
  const struct {
    int now;
    absl::Time next;
  } rows[] = {{0, At(10)},  {10, At(15)}, {15, At(20)}, {34, At(35)},
              {35, At(40)}, {40, At(50)}, {50, kNever}, {51, kNever}};
  for (const auto& row : rows) {
    EXPECT_EQ(NextChange(versions, At(row.now)), row.next) << "second " << row.now;
  }
}

// A time at which nothing is seen to change would wake the driver and spoil caches for nothing.
TEST(NextChangeTest, SkipsTimesThatChangeNothing) {
  const VersionTimes broken = Times(At(10), At(20), At(30), At(25), At(50));
  EXPECT_EQ(NextChange(std::vector{broken}, At(0)), At(10));
  EXPECT_EQ(NextChange(std::vector{broken}, At(10)), At(50));
}

TEST(StateNameTest, IsTheApiName) {
  EXPECT_EQ(StateName(State::kPending), "PENDING");
  EXPECT_EQ(StateName(State::kStaged), "STAGED");
  EXPECT_EQ(StateName(State::kStandby), "STANDBY");
  EXPECT_EQ(StateName(State::kActive), "ACTIVE");
  EXPECT_EQ(StateName(State::kVerifyOnly), "VERIFY_ONLY");
  EXPECT_EQ(StateName(State::kWithdrawn), "WITHDRAWN");
}

}  // namespace
}  // namespace sealward::lifecycle
