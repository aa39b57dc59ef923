#include "tests/sim/store.h"

namespace sealward::sim {

using lifecycle::StateAt;

lifecycle::CachePolicy CachePolicyOf(const Store& store, const StoredKey& key) {
  return {store.issuer.propagation_time, key.max_jwt_lifetime, !store.issuer.published,
          store.issuer.earlier_promise_until};
}

lifecycle::KeyCourse CourseOf(const Store& store, size_t key, absl::Time now) {
  const StoredKey& stored = store.keys[key];
  lifecycle::KeyCourse course;
  course.cache = CachePolicyOf(store, stored);
  course.rotation = stored.rotation;
  course.pause = stored.pause;
  course.versions = stored.versions;
  course.jwks_room = store.issuer.max_jwks_keys;
  for (const StoredKey& other : store.keys) {
    for (const lifecycle::VersionTimes& times : other.versions) {
      const lifecycle::State state = StateAt(times, now);
      if (lifecycle::IsPublished(state) || state == lifecycle::State::kPending) {
        --course.jwks_room;
      }
    }
  }
  return course;
}

PairSet JwksAt(const Store& store, absl::Time now) {
  PairSet jwks = 0;
  for (const StoredKey& key : store.keys) {
    for (size_t i = 0; i < key.versions.size(); ++i) {
      if (lifecycle::IsPublished(StateAt(key.versions[i], now))) jwks |= Only(key.pairs[i]);
    }
  }
  return jwks;
}

}  // namespace sealward::sim
