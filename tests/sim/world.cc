#include "tests/sim/world.h"

#include <algorithm>
#include <iostream>
#include <span>
#include <string>

#include "absl/strings/str_cat.h"

namespace sealward::sim {
namespace {

using lifecycle::State;
using lifecycle::StateAt;

// A driver that is no later than this, and a start no slower, excuse nothing.
constexpr absl::Duration kPunctual = absl::Seconds(20);
constexpr int kMostActionsAtRest = 2000;
constexpr int kMostBackups = 4;

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

World::World(uint64_t seed, Mutation broken, Coverage& coverage, bool trace)
    : random_(seed),
      rules_(broken),
      coverage_(coverage),
      truth_(random_.OneIn(8), validators_),
      server_(rules_, site_, truth_, random_, coverage_),
      now_(absl::FromUnixSeconds(1'800'000'000)),
      busy_(random_.OneIn(3)),
      of_restores_(random_.OneIn(3)) {
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

bool World::HasPending(const Store& store) const {
  return std::ranges::any_of(store.keys, [this](const StoredKey& key) {
    return std::ranges::any_of(key.versions, [this](const auto& times) {
      return StateAt(times, now_) == State::kPending;
    });
  });
}

std::optional<Breach> World::Live(int steps) {
  if (site_.store.keys.empty()) return std::nullopt;
  for (int i = 0; i < steps && !truth_.breach() && site_.next_pair < kMostPairs - 4; ++i) {
    Instant();
  }
  if (!truth_.breach()) Settle();
  return truth_.breach();
}

void World::Print(std::ostream& os) const {
  const auto minutes = [this](absl::Time at) {
    if (at == absl::InfiniteFuture()) return std::string("-");
    if (at == absl::InfinitePast()) return std::string("past");
    return absl::StrCat(absl::ToDoubleMinutes(at - now_));
  };
  const StoredIssuer& issuer = site_.store.issuer;
  os << "times in minutes from now; " << issuer.profile->name << ", max-age " << issuer.max_age
     << ", propagation " << issuer.propagation_time << ", earlier promise until "
     << minutes(issuer.earlier_promise_until) << "\n";
  for (const StoredKey& key : site_.store.keys) {
    os << "key: JWTs " << key.max_jwt_lifetime << ", period " << key.rotation.rotation_period
       << ", signing " << key.rotation.max_signing_time << ", standby "
       << key.rotation.max_standby_time << "\n";
    if (key.pause) {
      os << "  paused " << minutes(key.pause->start) << " to " << minutes(key.pause->expire)
         << "\n";
    }
    for (size_t i = 0; i < key.versions.size(); ++i) {
      const auto& times = key.versions[i];
      os << "  pair " << key.pairs[i] << " " << lifecycle::StateName(StateAt(times, now_))
         << " publish " << minutes(times.publish) << " standby " << minutes(times.standby)
         << " activate " << minutes(times.activate) << " retire " << minutes(times.retire)
         << " withdraw " << minutes(times.withdraw) << " sign_until " << minutes(times.sign_until)
         << " publish_until " << minutes(times.publish_until) << " activate_by "
         << minutes(times.activate_by) << " suspend " << minutes(times.suspend) << " revoke "
         << minutes(times.revoke) << " fresh_after " << minutes(times.fresh_after)
         << " destroy_due " << minutes(times.destroy_due) << " rotate_due "
         << minutes(times.rotate_due) << "\n";
    }
  }
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

// What the world aims at, wherever it can be met.
void World::TakeAim() {
  const Aim& aim = *site_.aim;
  if (aim.event == Event::kUnmarkDestroy && HasPending(site_.store) && random_.OneIn(2)) Keep();
  for (size_t key = 0; key < driver_at_.size() && shots_ > 0; ++key) {
    if (aim.event < Event::kRotate || !server_.CanAim(key, now_)) continue;
    --shots_;
    if (aim.event == Event::kRestore) {
      if (IsNoted() && !backups_.empty()) return server_.Restore(AnyBackup(), now_);
      continue;
    }
    if (aim.event > Event::kLowerPromise) return;
    if (aim.event == Event::kResume && random_.OneIn(3)) {
      server_.Operate(Event::kPause, key, now_);
    }
    if (aim.event == Event::kRaisePromise && random_.OneIn(3)) {
      server_.Operate(Event::kLowerPromise, key, now_);
    }
    server_.Operate(aim.event, key, now_);
    TellDrivers();
  }
}

void World::OperateIfDue() {
  if (now_ < operator_at_) return;
  operator_at_ = NextOperation();
  if (site_.calm) return;
  SomethingHappens();
  TellDrivers();
}

// Whatever was done, the driver is told.
void World::TellDrivers() {
  for (size_t key = 0; key < driver_at_.size(); ++key) {
    if (late_until_[key] > now_) continue;
    driver_at_[key] = std::min(driver_at_[key], now_ + random_.UpTo(kPunctual));
  }
}

void World::SomethingHappens() {
  const size_t key = static_cast<size_t>(random_.Below(static_cast<int>(driver_at_.size())));
  if (site_.rolled_back) {
    if (random_.OneIn(2)) server_.Recover(now_);
    return;
  }
  const bool noted = IsNoted();
  BackUp();
  const bool unmarks = site_.aim && site_.aim->event == Event::kUnmarkDestroy;
  switch (random_.Below(48)) {
    case 0:
    case 1:
      if (site_.hsm_down) return;
      server_.Note(Event::kOutage, now_);
      site_.hsm_down = true;
      outage_end_ = now_ + random_.UpTo(absl::Hours(6));
      return Excuse();
    case 2:
    case 3:
      if (frozen_until_ > now_) return;
      server_.Note(Event::kClockStep, now_);
      frozen_until_ = now_ + absl::Seconds(1) + random_.UpTo(absl::Hours(6));
      clock_offset_ = random_.UpTo(absl::Hours(24 * 30)) - absl::Hours(24 * 10);
      return Excuse();
    case 4:
      // A partition that missed the last epoch cannot tell; that is what the issuance
      // log's witness is for.
      if (noted) server_.Restore(AnyBackup(), now_);
      return;
    default:
      if (of_restores_ && noted && random_.OneIn(unmarks ? 1 : 4) && Forgetful()) {
        server_.Restore(*Forgetful(), now_);
      } else {
        server_.Operate(AnyRequest(key), key, now_);
      }
  }
}

Event World::AnyRequest(size_t key) {
  const auto& pause = site_.store.keys[key].pause;
  if (pause && now_ < pause->expire && random_.OneIn(6)) return Event::kResume;
  const bool often_suspended = site_.aim && site_.aim->subject == Subject::kSuspended;
  if (often_suspended && random_.OneIn(3)) return Event::kSuspend;
  if (of_restores_ && random_.OneIn(2)) {
    constexpr Event kEnds[] = {Event::kSuspend, Event::kRotate, Event::kScheduleDestroy};
    return kEnds[random_.Below(3)];
  }
  return static_cast<Event>(static_cast<int>(Event::kRotate) + random_.Below(13));
}

void World::BackUp() {
  if (backups_.empty() || random_.OneIn(of_restores_ ? 10 : 30)) Keep();
}

void World::Keep() {
  if (backups_.size() < kMostBackups) {
    backups_.push_back(site_.store);
  } else {
    backups_[static_cast<size_t>(random_.Below(kMostBackups))] = site_.store;
  }
}

const Store& World::AnyBackup() {
  return backups_[static_cast<size_t>(random_.Below(static_cast<int>(backups_.size())))];
}

// A backup that does not know of a destruction that the partition has a mark for.
const Store* World::Forgetful() const {
  const bool wants_pending = site_.aim && (site_.aim->subject == Subject::kPending ||
                                           site_.aim->subject == Subject::kStaged);
  for (const Store& backup : backups_) {
    for (const StoredKey& key : backup.keys) {
      for (size_t i = 0; i < key.versions.size(); ++i) {
        const ModelPair& pair = site_.partition.pair(key.pairs[i]);
        const bool marked = pair.destroy_time != absl::InfiniteFuture() && !pair.destroyed;
        if (!marked || pair.revoked || key.versions[i].schedule_destroy <= now_) continue;
        if (!wants_pending || key.versions[i].publish == absl::InfiniteFuture()) return &backup;
      }
    }
  }
  return nullptr;
}

// At a boundary, just beside one, or anywhere.
absl::Time World::NextOperation() {
  if (random_.OneIn(busy_ ? 2 : 4)) return now_;
  if (random_.OneIn(2)) {
    absl::Time next = absl::InfiniteFuture();
    for (const StoredKey& key : site_.store.keys) {
      next = std::min(next, lifecycle::NextChange(key.versions, now_));
    }
    if (next != absl::InfiniteFuture()) {
      const absl::Duration beside[] = {absl::ZeroDuration(), absl::Nanoseconds(1),
                                       -absl::Nanoseconds(1), lifecycle::kClockSkew,
                                       -lifecycle::kClockSkew};
      return std::max(now_, next + beside[random_.Below(5)]);
    }
  }
  return now_ + random_.UpTo(random_.OneIn(2) ? absl::Hours(1) : absl::Hours(48));
}

void World::EndTroubles() {
  if (site_.hsm_down && outage_end_ <= now_) site_.hsm_down = false;
}

void World::Excuse() {
  for (size_t key = 0; key < driver_at_.size(); ++key) truth_.key(key).excused = true;
}

// A key that has everything it needs may not stop signing without a reason.
void World::EndExcuses() {
  if (site_.hsm_down || site_.rolled_back || now_ < frozen_until_) return;
  if (now_ < site_.store.issuer.earlier_promise_until) return;
  for (size_t key = 0; key < driver_at_.size(); ++key) {
    if (now_ < late_until_[key]) continue;
    const auto& versions = site_.store.keys[key].versions;
    // What has a mark that the store forgot signs once that is taken away.
    if (std::ranges::any_of(versions, [](const auto& times) {
          return times.destroy_marked && times.schedule_destroy == absl::InfiniteFuture();
        })) {
      continue;
    }
    const auto signer = lifecycle::SigningVersionAt(versions, now_);
    if (!signer) continue;
    const absl::Duration left = versions[*signer].sign_until - now_;
    if (left <= absl::Minutes(5)) continue;
    // What is older than the signer was passed over.
    const auto younger = std::span(versions).subspan(*signer + 1);
    const bool has_standby = std::ranges::any_of(younger, [this](const auto& times) {
      return StateAt(times, now_) == State::kStandby && lifecycle::CanFollow(times, now_) &&
             times.activate_by > now_ + site_.store.issuer.propagation_time + absl::Minutes(5);
    });
    // There is one that is ready, or time and room to make one.
    const bool has_time = left > site_.store.issuer.propagation_time + absl::Hours(1);
    if (has_standby || (has_time && CourseOf(site_.store, key, now_).jwks_room > 0)) {
      truth_.key(key).excused = false;
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
