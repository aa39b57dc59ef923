// Truth: what must hold once the world has come to rest.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/lifecycle/plan.h"
#include "tests/sim/truth.h"

namespace sealward::sim {
namespace {

using lifecycle::State;
using lifecycle::StateAt;
using lifecycle::VersionTimes;

constexpr absl::Time kNever = absl::InfiniteFuture();

std::string Name(PairId pair) { return absl::StrCat("pair ", pair); }

}  // namespace

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
  if (will_sign && !current) return;
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
