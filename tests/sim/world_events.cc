// World: what operators ask for, and what happens to the site.
#include <algorithm>

#include "tests/sim/world.h"

namespace sealward::sim {
namespace {

using lifecycle::State;
using lifecycle::StateAt;

constexpr int kMostBackups = 4;

}  // namespace

bool World::HasPending(const Store& store) const {
  return std::ranges::any_of(store.keys, [this](const StoredKey& key) {
    return std::ranges::any_of(key.versions, [this](const auto& times) {
      return StateAt(times, now_) == State::kPending;
    });
  });
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

}  // namespace sealward::sim
