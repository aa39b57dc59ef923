// Truth: what is done to the world, and what must hold once it has come to rest.
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
      const absl::Time end = std::min(
          {now, times.withdraw, times.publish_until, times.revoke, times.schedule_destroy});
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

void Truth::Settled(const Store& store, const ModelPartition& partition, absl::Time now) {
  PairSet known = 0;
  for (size_t i = 0; i < store.keys.size(); ++i) {
    const StoredKey& stored = store.keys[i];
    for (size_t v = 0; v < stored.versions.size(); ++v) {
      known |= Only(stored.pairs[v]);
      SettledVersion(partition, stored, v, now);
    }
    SettledKey(store, partition, i, now);
  }
  for (PairId id = 0; id < used_; ++id) {
    if (partition.pair(id).exists && (known & Only(id)) == 0 && !pair(id).lost) {
      Break(Invariant::kNotSettled, absl::StrCat(Name(id), " belongs to nobody"), now);
    }
  }
}

void Truth::SettledVersion(const ModelPartition& partition, const StoredKey& stored, size_t version,
                           absl::Time now) {
  const VersionTimes& times = stored.versions[version];
  const ModelPair& in_hsm = partition.pair(stored.pairs[version]);
  const bool revoked = times.revoke <= now;
  const bool destroyed = times.destroy <= now;
  const bool scheduled = times.schedule_destroy <= now && !destroyed;
  const auto differs = [&](absl::string_view how) {
    Break(Invariant::kNotSettled, absl::StrCat(Name(stored.pairs[version]), ": ", how), now);
  };
  if (revoked && !destroyed && !in_hsm.revoked) differs("revoked, but there is no tombstone");
  if (in_hsm.revoked && !revoked) differs("a tombstone, but it is not revoked");
  if (destroyed && in_hsm.exists) differs("destroyed, but it exists");
  // Begun before the pause, and to be noted after it.
  const bool paused = stored.pause && now < stored.pause->expire;
  if (in_hsm.destroyed && !destroyed && !paused) differs("gone, but not destroyed");
  if (scheduled && in_hsm.destroy_time < times.destroy_due) differs("its mark is too early");
  if (scheduled && in_hsm.destroy_time == kNever) differs("scheduled, but not marked");
  if (!scheduled && !destroyed && in_hsm.destroy_time != kNever) differs("marked, not scheduled");
  if (times.publish != kNever && !destroyed && !in_hsm.exists && !in_hsm.destroyed) {
    differs("it has no key pair");
  }
  if (StateAt(times, now) == State::kPending) differs("it is still PENDING");
}

void Truth::SettledKey(const Store& store, const ModelPartition& partition, size_t index,
                       absl::Time now) {
  const lifecycle::KeyCourse course = CourseOf(store, index, now);
  lifecycle::Step step = lifecycle::PlanStep(course, now);
  // Waits for the end of a window that only the partition knows.
  if (step.destroy && partition.pair(store.keys[index].pairs[*step.destroy]).WindowIsOpen(now)) {
    step.destroy.reset();
  }
  if (!step.IsIdle()) Break(Invariant::kNotSettled, "something is still due", now);
  const auto current = lifecycle::CurrentVersion(course, now);
  const bool suspended = current && StateAt(course.versions[*current], now) == State::kSuspended;
  if (step.no_room || suspended) return;
  // A JWKS that was full until just now: its next version waits for the caches.
  const bool will_sign = std::ranges::any_of(course.versions, [now](const VersionTimes& times) {
    return lifecycle::WillSign(times, now);
  });
  if (!will_sign && !lifecycle::SigningVersionAt(course.versions, now)) {
    Break(Invariant::kNotSettled, absl::StrCat("key ", index, " does not sign"), now);
  }
  const bool standby = std::ranges::any_of(course.versions, [now](const VersionTimes& times) {
    return StateAt(times, now) == State::kStandby || StateAt(times, now) == State::kStaged;
  });
  if (!standby)
    Break(Invariant::kNotSettled, absl::StrCat("key ", index, " has no successor"), now);
  for (const PairId id :
       course.versions.empty() ? std::vector<PairId>() : store.keys[index].pairs) {
    const PairTruth& it = pair(id);
    if (it.revoked == kNever || it.beside == 0) continue;
    const bool fresh = std::ranges::any_of(store.keys[index].pairs, [&](PairId other) {
      return (it.beside & Only(other)) == 0 && pair(other).published > it.published &&
             pair(other).signed_first != kNever;
    });
    if (!fresh) {
      Break(Invariant::kRevokedTrusted, absl::StrCat("nothing fresh follows ", Name(id)), now);
    }
  }
}

}  // namespace sealward::sim
