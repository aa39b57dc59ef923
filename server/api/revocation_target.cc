#include "server/api/revocation_target.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/resource_name.h"
#include "server/hsm_client/partitions.h"
#include "server/lifecycle/resource_errors.h"

namespace sealward::api {
namespace {

using KeyPtr = std::shared_ptr<const catalog::Key>;

// Whether tenants that are not there would be the reason that a partition has none.
bool IsKnownPartition(const catalog::Snapshot& snapshot, absl::string_view partition) {
  if (partition == hsm_client::kSharedPartition) return true;
  return std::ranges::any_of(snapshot.tenants, [partition](const auto& each) {
    return hsm_client::PartitionName(each.second->partition) == partition;
  });
}

bool IsIn(const catalog::Key& key, const RevocationTarget& target) {
  if (target.partition.empty()) return key.tenant->name == target.tenant;
  return hsm_client::PartitionName(key.tenant->partition) == target.partition;
}

}  // namespace

absl::StatusOr<RevocationTarget> ParseRevocationTarget(absl::string_view name) {
  RevocationTarget target;
  if (const auto version = KeyVersionName::Parse(name); version.ok()) {
    target.tenant = version->key.Parent();
    target.key = version->key.ToString();
    target.version = version->version;
  } else if (const auto key = KeyName::Parse(name); key.ok()) {
    target.tenant = key->Parent();
    target.key = key->ToString();
  } else if (const auto tenant = TenantName::Parse(name); tenant.ok()) {
    target.tenant = tenant->ToString();
  } else if (const auto partition = PartitionResourceName::Parse(name); partition.ok()) {
    target.partition = partition->partition;
  } else if (absl::StartsWith(name, "partitions/")) {
    return partition.status();
  } else {
    return version.status();
  }
  return target;
}

absl::StatusOr<std::vector<KeyPtr>> KeysOf(const catalog::Snapshot& snapshot,
                                           const RevocationTarget& target, absl::string_view name) {
  if (!target.key.empty()) {
    const auto found = snapshot.keys.find(target.key);
    if (found == snapshot.keys.end()) return ResourceNotFound(name);
    const bool there = !target.version ||
                       std::ranges::any_of(found->second->versions, [&target](const auto& each) {
                         return each->number == *target.version;
                       });
    if (!there) return ResourceNotFound(name);
    return std::vector<KeyPtr>{found->second};
  }
  if (!target.tenant.empty() && !snapshot.tenants.contains(target.tenant)) {
    return ResourceNotFound(name);
  }
  if (!target.partition.empty() && !IsKnownPartition(snapshot, target.partition)) {
    return ResourceNotFound(name);
  }
  std::vector<KeyPtr> keys;
  for (const auto& [key_name, key] : snapshot.keys) {
    if (IsIn(*key, target)) keys.push_back(key);
  }
  std::ranges::sort(keys, [](const KeyPtr& a, const KeyPtr& b) { return a->name < b->name; });
  return keys;
}

}  // namespace sealward::api
