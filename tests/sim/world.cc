#include "tests/sim/world.h"

#include <algorithm>
#include <iostream>
#include <span>
#include <string>

#include "absl/strings/str_cat.h"

namespace sealward::sim {
namespace {

constexpr int kMostActionsAtRest = 2000;
constexpr int kStepsAfterRewind = 15;

Aim AnyAim(Random& random) {
  while (true) {
    const Aim aim = {static_cast<Event>(random.Below(kEvents)),
                     static_cast<Subject>(random.Below(kSubjects))};
    if (!CanHappen(aim.event, aim.subject)) continue;
    // The others are met often enough, and only aimed at now and then.
    const bool rare = IsOfKey(aim.event) ? aim.subject != Subject::kActive
                                         : aim.event == Event::kUnmarkDestroy ||
                                               aim.event == Event::kCancelDestroy;
    if (rare || random.OneIn(8)) return aim;
  }
}

}  // namespace

World::World(uint64_t seed, Mutation broken, Coverage& coverage, bool trace,
             std::optional<Rewind> rewind)
    : random_(seed),
      rules_(broken),
      coverage_(coverage),
      truth_(random_.OneIn(8), validators_),
      server_(rules_, site_, truth_, random_, coverage_),
      now_(absl::FromUnixSeconds(1'800'000'000)),
      busy_(random_.OneIn(3)),
      of_restores_(random_.OneIn(3)),
      rewind_(rewind) {
  coverage_.Begin(seed, !truth_.calm() && !rewind);
  coverage_.Count(!rewind);
  if (random_.OneIn(4)) site_.failures_in_six = 5;
  if (!random_.OneIn(3)) {
    site_.aim = AnyAim(random_);
    of_restores_ |=
        site_.aim->event == Event::kUnmarkDestroy || site_.aim->event == Event::kRecover;
  }
  site_.calm = truth_.calm();
  site_.trace = trace;
  site_.store.issuer = AnyIssuer(random_);
  const int keys = 1 + random_.Below(2);
  for (int i = 0; i < keys; ++i) {
    StoredKey key;
    key.max_jwt_lifetime = absl::Minutes(5) + random_.UpTo(absl::Hours(2));
    const int most = site_.store.issuer.max_jwks_keys / keys;
    const auto policy = AnyPolicy(CachePolicyOf(site_.store, key), most, random_);
    if (!policy) continue;
    key.rotation = *policy;
    server_.CreateKey(key, now_);
    driver_at_.push_back(now_);
    late_until_.push_back(now_);
  }
  operator_at_ = NextOperation();
}

std::optional<Breach> World::Live(int steps) {
  if (site_.store.keys.empty()) return std::nullopt;
  const int end = rewind_ ? rewind_->step + kStepsAfterRewind : steps;
  for (int i = 0; i < end && !truth_.breach() && site_.next_pair < kMostPairs - 4; ++i) {
    if (rewind_ && i == rewind_->step) GoOnOtherwise();
    coverage_.AtStep(i);
    Instant();
  }
  if (!truth_.breach() && (!rewind_ || random_.OneIn(4))) Settle();
  return truth_.breach();
}

void World::GoOnOtherwise() {
  coverage_.Count(true);
  random_ = Random(rewind_->again);
  site_.aim = rewind_->aim;
  shots_ = kStepsAfterRewind;
}

void World::Instant() {
  truth_.Step();
  PassTo(std::max(now_, NextInstant()));
  EndTroubles();
  RunDrivers();
  OperateIfDue();
  if (site_.aim && !site_.calm && !site_.rolled_back) TakeAim();
  EndExcuses();
}

absl::Time World::NextInstant() const {
  absl::Time next = operator_at_;
  for (const StoredKey& key : site_.store.keys) {
    next = std::min(next, lifecycle::NextChange(key.versions, now_));
  }
  for (const absl::Time at : driver_at_) next = std::min(next, at);
  if (site_.hsm_down) next = std::min(next, outage_end_);
  if (frozen_until_ > now_) next = std::min(next, frozen_until_);
  return next;
}

void World::PassTo(absl::Time until) {
  truth_.PassTo(until);
  now_ = until;
  truth_.Observe(site_.store, site_.partition, !site_.rolled_back, now_, random_.UpTo(kLatency));
}

absl::Duration World::Lateness() {
  const bool often_late = site_.aim && site_.aim->subject == Subject::kVerifyOnly;
  if (site_.calm || !random_.OneIn(often_late ? 6 : 40)) return random_.UpTo(kPunctual);
  // Late, or as good as dead.
  return random_.OneIn(2) ? random_.UpTo(absl::Hours(1)) : random_.UpTo(absl::Hours(24 * 20));
}

void World::RunDrivers() {
  const bool frozen = now_ < frozen_until_;
  for (size_t key = 0; key < driver_at_.size(); ++key) {
    if (driver_at_[key] > now_) continue;
    if (site_.rolled_back) {
      driver_at_[key] = absl::InfiniteFuture();
    } else if (frozen && !rules_.Broken(Mutation::kClockFollowed)) {
      driver_at_[key] = frozen_until_;
    } else {
      RunDriver(key);
    }
  }
}

void World::RunDriver(size_t key) {
  const bool wrong_clock = now_ < frozen_until_;
  const auto advanced = server_.Advance(key, wrong_clock ? now_ + clock_offset_ : now_);
  if (advanced.did) {
    driver_at_[key] = now_;
  } else if (advanced.failed) {
    const absl::Duration outage = site_.hsm_down ? outage_end_ - now_ : absl::ZeroDuration();
    driver_at_[key] = now_ + absl::Seconds(1) + random_.UpTo(absl::Minutes(2) + outage / 2);
    Excuse();
  } else {
    const absl::Duration lateness = Lateness();
    driver_at_[key] = advanced.wake + lateness;
    if (lateness > kPunctual) {
      late_until_[key] = driver_at_[key];
      truth_.key(key).excused = true;
    }
  }
}

void World::Settle() {
  if (site_.trace) std::cout << "settling\n";
  site_.calm = true;
  site_.hsm_down = false;
  operator_at_ = absl::InfiniteFuture();
  frozen_until_ = now_;
  if (site_.rolled_back) server_.Recover(now_);
  for (absl::Time& at : driver_at_) at = now_;
  const absl::Duration propagation = site_.store.issuer.propagation_time;
  absl::Time end = std::max(now_, site_.store.issuer.earlier_promise_until) + 3 * propagation +
                   2 * absl::Hours(1);
  for (int actions = 0; !truth_.breach(); ++actions) {
    if (actions > kMostActionsAtRest) {
      return truth_.Break(Invariant::kNotSettled, "there is always something due", now_);
    }
    const absl::Time next = NextInstant();
    if (next > end || site_.next_pair >= kMostPairs) break;
    PassTo(std::max(now_, next));
    RunDrivers();
  }
  if (truth_.breach() || site_.next_pair >= kMostPairs) return;
  // Whoever wakes a little late has done so by then.
  for (size_t key = 0; key < driver_at_.size(); ++key) {
    for (int i = 0; i < kMostActionsAtRest && server_.Advance(key, now_).did; ++i) {
    }
  }
  truth_.Settled(site_.store, site_.partition, now_);
}

}  // namespace sealward::sim
