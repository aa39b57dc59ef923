#include "server/catalog/snapshot.h"

namespace sealward::catalog {

std::vector<lifecycle::VersionTimes> TimesOf(const Key& key) {
  std::vector<lifecycle::VersionTimes> times;
  times.reserve(key.versions.size());
  for (const auto& version : key.versions) times.push_back(version->times);
  return times;
}

lifecycle::CachePolicy CachePolicyOf(const Key& key) {
  return {key.issuer->propagation_time, key.max_jwt_lifetime,
          key.issuer->first_publish_time == absl::InfiniteFuture()};
}

std::shared_ptr<const RoleBinding> FindBinding(const Snapshot& snapshot, absl::string_view name) {
  for (const auto& [principal, bindings] : snapshot.bindings) {
    for (const auto& binding : bindings) {
      if (binding->name == name) return binding;
    }
  }
  return nullptr;
}

}  // namespace sealward::catalog
