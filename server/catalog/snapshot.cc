#include "server/catalog/snapshot.h"

#include <algorithm>

#include "server/lifecycle/profiles.h"

namespace sealward::catalog {
namespace {

// How many versions of `key` take up a place at `now`.
int PlacesOf(const Key& key, absl::Time now) {
  return static_cast<int>(std::ranges::count_if(key.versions, [now](const auto& version) {
    const auto state = lifecycle::StateAt(version->times, now);
    return lifecycle::IsPublished(state) || state == lifecycle::State::kPending;
  }));
}

}  // namespace

std::vector<lifecycle::VersionTimes> TimesOf(const Key& key) {
  std::vector<lifecycle::VersionTimes> times;
  times.reserve(key.versions.size());
  for (const auto& version : key.versions) times.push_back(version->times);
  return times;
}

lifecycle::CachePolicy CachePolicyOf(const Key& key) {
  return {key.issuer->propagation_time, key.max_jwt_lifetime,
          key.issuer->first_publish_time == absl::InfiniteFuture(),
          key.issuer->earlier_promise_until, key.issuer->margins};
}

lifecycle::KeyCourse CourseOf(const Key& key, int room) {
  lifecycle::KeyCourse course;
  course.cache = CachePolicyOf(key);
  course.rotation = key.rotation_policy;
  if (key.pause) course.pause = key.pause->times;
  course.jwks_room = room;
  course.versions = TimesOf(key);
  return course;
}

Issuer RawIssuer(absl::Duration propagation_time, const lifecycle::Margins& margins,
                 absl::Time first_publish_time) {
  Issuer issuer;
  issuer.propagation_time = propagation_time;
  issuer.margins = margins;
  issuer.max_jwks_keys = kMaxRawVersions;
  issuer.first_publish_time = first_publish_time;
  return issuer;
}

int JwksRoom(const Snapshot& snapshot, const Issuer& issuer, absl::Time now) {
  int room = MaxJwksKeys(issuer);
  if (const auto keys = snapshot.keys_of_issuer.find(issuer.name);
      keys != snapshot.keys_of_issuer.end()) {
    for (const auto& key : keys->second) room -= PlacesOf(*key, now);
  }
  const auto foreign = snapshot.foreign_keys.find(issuer.name);
  if (foreign == snapshot.foreign_keys.end()) return room;
  for (const auto& [name, key] : *foreign->second) {
    if (key->expire_time > now) --room;
  }
  return room;
}

int RoomOf(const Snapshot& snapshot, const Key& key, absl::Time now) {
  if (key.purpose == v1::KEY_PURPOSE_RAW) return kMaxRawVersions - PlacesOf(key, now);
  return JwksRoom(snapshot, *key.issuer, now);
}

int MaxJwksKeys(const Issuer& issuer) {
  if (issuer.max_jwks_keys > 0) return issuer.max_jwks_keys;
  return lifecycle::FindProfile(static_cast<lifecycle::Profile>(issuer.validator_profile))
      .max_jwks_keys;
}

std::shared_ptr<const RoleBinding> FindBinding(const Snapshot& snapshot, absl::string_view name) {
  const auto found = snapshot.bindings_by_name.find(name);
  return found == snapshot.bindings_by_name.end() ? nullptr : found->second;
}

}  // namespace sealward::catalog
