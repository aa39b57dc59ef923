// Truth: what is done to the world.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/lifecycle/plan.h"
#include "server/lifecycle/policy.h"
#include "tests/sim/truth.h"

namespace sealward::sim {
namespace {

using lifecycle::State;
using lifecycle::StateAt;
using lifecycle::VersionTimes;

constexpr absl::Time kNever = absl::InfiniteFuture();

std::string Name(PairId pair) { return absl::StrCat("pair ", pair); }

}  // namespace

void Truth::PromiseChanges(const Store& store, const StoredIssuer& next, absl::Time now) {
  const StoredIssuer& last = store.issuer;
  if (served_) validators_.JwksChanges(last, jwks_, now, absl::ZeroDuration());
  if (next.propagation_time <= last.propagation_time) return;
  for (size_t i = 0; i < store.keys.size(); ++i) {
    const StoredKey& stored = store.keys[i];
    for (size_t v = 0; v < stored.versions.size(); ++v) {
      const VersionTimes& times = stored.versions[v];
      PairTruth& it = pair(stored.pairs[v]);
      const State state = StateAt(times, now);
      const bool waits = (state == State::kPending && it.published != kNever) ||
                         state == State::kStaged || state == State::kStandby ||
                         (state == State::kSuspended && it.signed_first == kNever);
      if (!waits || it.ready == it.published) continue;
      it.ready = std::max(it.ready, it.published + next.propagation_time);
      it.first_by = it.ready + key(i).longest_standby;
      // The slower caches that count from now on fetched just before it was published.
      if (next.profile == last.profile) continue;
      const absl::Duration shared =
          next.profile->shared_cache ? next.max_age : absl::ZeroDuration();
      validators_.Join(*next.profile, next.max_age, jwks_ & ~Only(stored.pairs[v]),
                       it.published + shared);
    }
  }
}

void Truth::Revoked(PairId id, absl::Time now) {
  PairTruth& it = pair(id);
  it.revoked = std::min(it.revoked, now);
  // What came in the instant in which it went may have been beside it.
  for (PairId other = 0; other < used_; ++other) {
    if (it.left && pair(other).published == it.left_at) it.beside |= Only(other);
  }
}

void Truth::Destroyed(const Store& store, PairId id, absl::Time now) {
  const PairTruth& it = pair(id);
  if (now < it.destroy_from) Break(Invariant::kDestroyedEarly, Name(id), now);
  const auto& pause = store.keys[it.key].pause;
  if (pause && pause->start <= now && now < pause->expire) {
    Break(Invariant::kPauseBroken, absl::StrCat("destroyed ", Name(id)), now);
  }
}

// What the store has forgotten is not asked for any more, but what the partition still
// knows: revocations whose tombstone it has.
void Truth::Restored(const Store& store, const ModelPartition& partition, absl::Time now) {
  PairSet known = 0;
  PairSet revoked = 0;
  for (const StoredKey& stored : store.keys) {
    for (size_t v = 0; v < stored.versions.size(); ++v) {
      known |= Only(stored.pairs[v]);
      if (stored.versions[v].revoke <= now) revoked |= Only(stored.pairs[v]);
    }
  }
  for (PairId id = 0; id < used_; ++id) {
    PairTruth& it = pair(id);
    it.left = false;
    it.signed_last = absl::InfinitePast();
    it.lost = (known & Only(id)) == 0;
    if ((revoked & Only(id)) == 0 && !partition.pair(id).revoked) it.revoked = kNever;
  }
  for (const StoredKey& stored : store.keys) {
    for (size_t v = 0; v < stored.versions.size(); ++v) {
      PairTruth& it = pair(stored.pairs[v]);
      // A newer backup than the last one may know more again.
      if (stored.versions[v].revoke <= now) it.revoked = stored.versions[v].revoke;
      if (stored.versions[v].activate > now) it.signed_first = it.sign_limit = kNever;
      if (stored.versions[v].publish > now) {
        it.published = it.ready = it.first_by = kNever;
      } else {
        // What was promised since then is forgotten.
        it.published = stored.versions[v].publish;
        it.ready = stored.versions[v].standby;
        it.first_by = it.ready + key(it.key).longest_standby;
      }
    }
  }
  RecallBeside(store, now);
  for (KeyTruth& it : keys_) it.excused = true;
  served_ = store.issuer.published;
  jwks_ = JwksAt(store, now);
  validators_.Clear();
}

void Truth::RecallBeside(const Store& store, absl::Time now) {
  struct Stay {
    PairId id;
    absl::Time from;
    absl::Time to;
  };
  std::vector<Stay> stays;
  for (const StoredKey& stored : store.keys) {
    for (size_t v = 0; v < stored.versions.size(); ++v) {
      const VersionTimes& times = stored.versions[v];
      // What is revoked is gone before anything else comes in the same instant.
      const absl::Time end =
          std::min({now, times.withdraw, times.publish_until, times.revoke - absl::Nanoseconds(1),
                    times.schedule_destroy});
      if (times.publish <= end) stays.push_back({stored.pairs[v], times.publish, end});
    }
  }
  for (PairTruth& it : pairs_) it.beside = 0;
  for (const Stay& one : stays) {
    for (const Stay& other : stays) {
      if (std::max(one.from, other.from) > std::min(one.to, other.to)) continue;
      pair(one.id).beside |= Only(other.id);
    }
  }
}

void Truth::Recovered(const Store& store, absl::Time now) {
  for (const StoredKey& stored : store.keys) {
    for (size_t v = 0; v < stored.versions.size(); ++v) {
      const VersionTimes& times = stored.versions[v];
      PairTruth& it = pair(stored.pairs[v]);
      it.retired = times.retire <= now;
      it.unready = times.unready;
      it.destroy_from = times.destroy_due;
    }
  }
  validators_.Clear();
}

}  // namespace sealward::sim
