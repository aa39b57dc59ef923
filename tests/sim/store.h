// The modelled store: values that a transaction replaces whole.
//
// Left out: revisions of single records and conflicts between writers (one server), and
// the store's own crashes (the contract tests of server/store have them).
#ifndef SEALWARD_TESTS_SIM_STORE_H_
#define SEALWARD_TESTS_SIM_STORE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "server/lifecycle/course.h"
#include "server/lifecycle/profiles.h"

namespace sealward::sim {

// A key pair of the whole world, in the order of their intents; its kid and its CKA_ID.
// JWKS are sets of them in one word, so a world ends before it has 64.
using PairId = int;
inline constexpr PairId kMostPairs = 60;
using PairSet = uint64_t;
inline PairSet Only(PairId pair) { return PairSet{1} << static_cast<unsigned>(pair); }

struct StoredIssuer {
  const lifecycle::ValidatorProfile* profile = nullptr;
  absl::Duration max_age;
  absl::Duration propagation_time;
  // Tighter than the profile's, or no world would ever fill it.
  int max_jwks_keys = 0;
  absl::Time earlier_promise_until = absl::InfinitePast();
  bool published = false;
};

struct StoredKey {
  absl::Duration max_jwt_lifetime;
  lifecycle::RotationPolicy rotation;
  std::optional<lifecycle::PauseTimes> pause;
  std::vector<lifecycle::VersionTimes> versions;
  std::vector<PairId> pairs;  // of versions, by index
};

// Store is everything that a backup holds.
struct Store {
  StoredIssuer issuer;
  std::vector<StoredKey> keys;
  int lineage = 1;
  int64_t revision = 0;
};

// The cache policy and the course of a key, as server/catalog makes them.
lifecycle::CachePolicy CachePolicyOf(const Store& store, const StoredKey& key);
lifecycle::KeyCourse CourseOf(const Store& store, size_t key, absl::Time now);
// What the issuer's JWKS holds.
PairSet JwksAt(const Store& store, absl::Time now);

}  // namespace sealward::sim

#endif  // SEALWARD_TESTS_SIM_STORE_H_
