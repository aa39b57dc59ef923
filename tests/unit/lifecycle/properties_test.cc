// What must hold whatever happens to a key, tried on random histories.
// rapidcheck prints the seed and the shrunk script of a failure; RC_PARAMS
// replays it.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "tests/unit/lifecycle/history.h"

namespace rc {

// rapidcheck draws from a part of a range while its cases are small; here the
// whole range is wanted at once.
template <typename T>
Gen<T> Full(Gen<T> gen) {
  return gen::resize(kNominalSize, std::move(gen));
}

template <>
struct Arbitrary<sealward::lifecycle::Script> {
  static Gen<sealward::lifecycle::Script> arbitrary() {
    using sealward::lifecycle::Script;
    // Waits from nothing to several propagation times, so that every state is met.
    const auto seconds =
        Full(gen::oneOf(gen::just(0), gen::inRange(0, 60), gen::inRange(0, 20'000)));
    const auto action = gen::pair(gen::element(0, 1, 2, 3, 4, 4), seconds);
    return gen::build<Script>(
        gen::set(&Script::propagation_s,
                 Full(gen::weightedOneOf<int>({{1, gen::just(0)}, {5, gen::inRange(0, 7200)}}))),
        gen::set(&Script::lifetime_s, Full(gen::inRange(1, 7200))),
        gen::set(&Script::never_published),
        gen::set(&Script::actions,
                 gen::resize(60, gen::container<std::vector<std::pair<int, int>>>(action))));
  }
};

template <>
struct Arbitrary<sealward::lifecycle::VersionTimes> {
  // Any times at all, in order or not, close enough together to collide.
  static Gen<sealward::lifecycle::VersionTimes> arbitrary() {
    using sealward::lifecycle::VersionTimes;
    const auto time = gen::oneOf(gen::just(absl::InfiniteFuture()), gen::just(absl::InfinitePast()),
                                 gen::map(Full(gen::inRange(0, 8)), [](int s) {
                                   return absl::UnixEpoch() + absl::Seconds(s);
                                 }));
    return gen::build<VersionTimes>(
        gen::set(&VersionTimes::publish, time), gen::set(&VersionTimes::standby, time),
        gen::set(&VersionTimes::activate, time), gen::set(&VersionTimes::retire, time),
        gen::set(&VersionTimes::withdraw, time));
  }
};

}  // namespace rc

namespace absl {
void showValue(absl::Time time, std::ostream& os) { os << absl::FormatTime(time); }
}  // namespace absl

namespace sealward::lifecycle {

void showValue(const Script& script, std::ostream& os) {
  os << "propagation " << script.propagation_s << " s, lifetime " << script.lifetime_s << " s, "
     << (script.never_published ? "never" : "already") << " published; (action, wait):";
  for (const auto& [action, seconds] : script.actions)
    os << " (" << action << ", " << seconds << ")";
}

void showValue(const VersionTimes& t, std::ostream& os) {
  os << t.publish << " " << t.standby << " " << t.activate << " " << t.retire << " " << t.withdraw;
}

namespace {

int CountActive(const std::vector<VersionTimes>& versions, absl::Time at) {
  return static_cast<int>(std::ranges::count_if(
      versions, [at](const VersionTimes& times) { return StateAt(times, at) == State::kActive; }));
}

// The control: histories that never rotate would prove nothing.
TEST(LifecycleProperties, HistoriesDoRotate) {
  int rotations = 0;
  rc::check("histories rotate", [&rotations](const Script& script) {
    const History history = script.Play();
    for (const VersionTimes& times : history.versions()) {
      if (times.retire <= history.now()) ++rotations;
    }
  });
  EXPECT_GT(rotations, 100);
}

// Without it two versions could sign at once and "which kid signs" had no answer.
RC_GTEST_PROP(LifecycleProperties, AtMostOneVersionIsActive, (const Script& script)) {
  const History history = script.Play();
  for (const absl::Time at : history.Moments()) RC_ASSERT(CountActive(history.versions(), at) <= 1);
}

// Without it a rotation could leave a moment in which nothing signs.
RC_GTEST_PROP(LifecycleProperties, SigningNeverStopsOnceItBegan, (const Script& script)) {
  const History history = script.Play();
  absl::Time first = absl::InfiniteFuture();
  for (const auto& times : history.versions()) first = std::min(first, times.activate);
  for (const absl::Time at : history.Moments()) {
    if (at >= first) RC_ASSERT(SigningVersionAt(history.versions(), at).has_value());
  }
}

// Without it a JWT could be refused by a validator that cached the JWKS as promised.
RC_GTEST_PROP(LifecycleProperties, WhatSignsIsInEveryCache, (const Script& script)) {
  const History history = script.Play();
  const auto& versions = history.versions();
  for (size_t i = 0; i < versions.size(); ++i) {
    if (versions[i].activate == absl::InfiniteFuture()) continue;
    RC_ASSERT(IsInOrder(versions[i]));
    const bool first_ever = i == 0 && script.never_published;
    const absl::Duration wait =
        first_ever ? absl::ZeroDuration() : history.policy().propagation_time;
    RC_ASSERT(versions[i].activate - versions[i].publish >= wait);
    for (const absl::Time at : history.Moments()) {
      if (StateAt(versions[i], at) == State::kActive) RC_ASSERT(at >= versions[i].publish + wait);
    }
  }
}

// Without it honest JWTs would outlive their key in the JWKS.
RC_GTEST_PROP(LifecycleProperties, EveryJwtStaysVerifiable, (const Script& script)) {
  const History history = script.Play();
  for (const VersionTimes& times : history.versions()) {
    if (times.activate == absl::InfiniteFuture()) continue;
    for (const absl::Time signed_at : history.Moments()) {
      if (StateAt(times, signed_at) != State::kActive) continue;
      const absl::Time end = signed_at + history.policy().max_jwt_lifetime + kClockSkew;
      for (absl::Time at : history.Moments()) {
        at = std::clamp(at, signed_at, end);
        RC_ASSERT(IsPublished(StateAt(times, at)));
      }
    }
  }
}

// Without it a key would run out of successors, or pile them up.
RC_GTEST_PROP(LifecycleProperties, DriverKeepsExactlyOneSuccessor, (const Script& script)) {
  History history = script.Play();
  history.Do(Action::kMendHsm, 0);
  history.Do(Action::kRunDriver, 0);
  int waiting = 0;
  for (const VersionTimes& times : history.versions()) {
    RC_ASSERT(times.publish != absl::InfiniteFuture());
    if (times.activate == absl::InfiniteFuture() && times.withdraw == absl::InfiniteFuture()) {
      ++waiting;
    }
  }
  RC_ASSERT(waiting == 1);
  RC_ASSERT(history.versions().back().activate == absl::InfiniteFuture());
  const Step step = PlanStep(history.versions(), history.now());
  RC_ASSERT(!step.generate && !step.add_successor);
}

// Without it a repeated RotateKey, or a retry after a lost answer, would skip a version.
RC_GTEST_PROP(LifecycleProperties, PlannedSwitchIsReturnedAsItStands,
              (const Script& script, uint16_t later)) {
  RC_PRE(script.propagation_s > 0);
  History history = script.Play();
  // Uses a STANDBY up where there is one, so that the next switch lies ahead.
  for (const Action action :
       {Action::kMendHsm, Action::kRunDriver, Action::kRotate, Action::kRunDriver}) {
    history.Do(action, 0);
  }
  const auto first = PlanRotation(history.versions(), history.policy(), history.now());
  RC_ASSERT(first.has_value() && first->at > history.now());
  history.Do(Action::kRotate, 0);
  const absl::Time again_at =
      std::min(history.now() + absl::Seconds(later), first->at - absl::Nanoseconds(1));
  const auto again = PlanRotation(history.versions(), history.policy(), again_at);
  RC_ASSERT(again.has_value());
  RC_ASSERT(again->already_planned);
  RC_ASSERT(again->predecessor == first->predecessor);
  RC_ASSERT(again->successor == first->successor);
  RC_ASSERT(again->at == first->at);
  RC_ASSERT(again->versions == first->versions);
}

// Without it "generate one, then ask again" could go round for ever.
RC_GTEST_PROP(LifecycleProperties, NoSwitchMeansThereIsSomethingToDo, (const Script& script)) {
  const History history = script.Play();
  if (PlanRotation(history.versions(), history.policy(), history.now())) return;
  const Step step = PlanStep(history.versions(), history.now());
  RC_ASSERT(step.generate || step.add_successor);
}

// Without it a snapshot would be served past its truth, or rebuilt for nothing.
RC_GTEST_PROP(LifecycleProperties, NextChangeIsExact,
              (const std::vector<VersionTimes>& versions, uint8_t quarter_seconds)) {
  const auto states_at = [&](absl::Time at) {
    std::vector<State> states;
    for (const VersionTimes& times : versions) states.push_back(StateAt(times, at));
    return states;
  };
  const absl::Time now = absl::UnixEpoch() + absl::Milliseconds(250 * (quarter_seconds % 40)) -
                         absl::Milliseconds(500);
  const absl::Time next = NextChange(versions, now);
  RC_ASSERT(next > now);
  for (int i = 0; i < 48; ++i) {
    const absl::Time at = now + absl::Milliseconds(250 * i);
    if (at < next) RC_ASSERT(states_at(at) == states_at(now));
  }
  if (next != absl::InfiniteFuture()) {
    RC_ASSERT(states_at(next) != states_at(now));
    RC_ASSERT(states_at(next - absl::Nanoseconds(1)) == states_at(now));
  }
}

// Without it a corrupt or half-written record could sign.
RC_GTEST_PROP(LifecycleProperties, BrokenOrderNeverSigns,
              (const VersionTimes& times, uint8_t seconds)) {
  RC_PRE(!IsInOrder(times));
  const absl::Time now = absl::UnixEpoch() + absl::Seconds(seconds % 10);
  RC_ASSERT(StateAt(times, now) != State::kActive);
  RC_ASSERT(!SigningVersionAt(std::vector{times}, now).has_value());
}

// Without it a clock that reads anything could break the planner's own promises.
RC_GTEST_PROP(LifecycleProperties, PlannerIsTotal, (const std::vector<VersionTimes>& versions)) {
  for (const absl::Time now :
       {absl::InfinitePast(), absl::UnixEpoch() + absl::Seconds(3), absl::InfiniteFuture()}) {
    const auto planned = PlanRotation(versions, CachePolicy{}, now);
    const Step step = PlanStep(versions, now);
    if (planned && planned->predecessor) RC_ASSERT(planned->predecessor != planned->successor);
    if (step.generate) RC_ASSERT(versions[*step.generate].publish == absl::InfiniteFuture());
  }
}

}  // namespace
}  // namespace sealward::lifecycle
