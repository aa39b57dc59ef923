// Server: a backup in the store's place, and two persons who accept it.
#include <algorithm>
#include <iostream>

#include "tests/sim/server.h"

namespace sealward::sim {

using lifecycle::VersionTimes;

void Server::Restore(const Store& backup, absl::Time now) {
  Note(Event::kRestore, now);
  if (site_.trace) std::cout << "a backup is restored\n";
  site_.store = backup;
  truth_.Restored(site_.store, site_.partition, now);
  const bool older = site_.store.lineage != site_.partition.lineage ||
                     site_.store.revision < site_.partition.revision;
  if (older && !rules_.Broken(Mutation::kEpochIgnored)) {
    site_.rolled_back = true;
    TakeTombstones(now);
  }
  if (!older) truth_.Recovered(site_.store, now);
  Observe(now);
}

// What the partition remembers is true whatever persons decide.
void Server::TakeTombstones(absl::Time now) {
  for (size_t key = 0; key < site_.store.keys.size(); ++key) {
    StoredKey& stored = site_.store.keys[key];
    std::vector<size_t> revoked;
    for (size_t i = 0; i < stored.versions.size(); ++i) {
      if (site_.partition.pair(stored.pairs[i]).revoked) revoked.push_back(i);
    }
    const auto result =
        lifecycle::Revoke(Course(key, now), revoked, lifecycle::WithoutStandby::kRefuse, now);
    stored.versions = result.versions;
    for (const size_t i : result.revoked) truth_.Revoked(stored.pairs[i], now);
    for (size_t i = 0; i < stored.versions.size(); ++i) {
      const ModelPair& pair = site_.partition.pair(stored.pairs[i]);
      VersionTimes& times = stored.versions[i];
      if (!pair.destroyed || times.destroy != absl::InfiniteFuture()) continue;
      times.schedule_destroy = std::min(times.schedule_destroy, now);
      times.destroy = now;
    }
  }
}

void Server::Recover(absl::Time now) {
  Note(Event::kRecover, now);
  if (site_.trace) std::cout << "recovered\n";
  site_.store.lineage = ++site_.partition.lineage;
  site_.partition.revision = ++site_.store.revision;
  site_.rolled_back = false;
  // The partition keeps marks of schedules that the store has forgotten.
  for (StoredKey& stored : site_.store.keys) {
    for (size_t i = 0; i < stored.versions.size(); ++i) {
      VersionTimes& times = stored.versions[i];
      const bool marked =
          site_.partition.pair(stored.pairs[i]).destroy_time != absl::InfiniteFuture();
      if (times.destroy == absl::InfiniteFuture()) {
        times.destroy_marked = marked && times.schedule_destroy == absl::InfiniteFuture();
      }
    }
  }
  truth_.Recovered(site_.store, now);
  Observe(now);
}

}  // namespace sealward::sim
