// What a revocation is about.
#ifndef SEALWARD_SERVER_API_REVOCATION_TARGET_H_
#define SEALWARD_SERVER_API_REVOCATION_TARGET_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/auth/decision.h"
#include "server/catalog/snapshot.h"

namespace sealward::api {

// RevocationTarget is the name in a Revoke request, taken apart. At most one of
// `partition` and `tenant` is set; `key` is below `tenant`, `version` of `key`.
struct RevocationTarget {
  std::string partition;  // its id
  std::string tenant;     // tenants/{tenant}
  std::string key;        // tenants/{tenant}/keys/{key}
  std::optional<int64_t> version;

  // What the right to revoke it is needed on, and which right.
  auth::Target target() const { return {tenant, key}; }
  auth::Verb verb() const {
    return partition.empty() ? auth::Verb::kRevokeVersion : auth::Verb::kRevokePartition;
  }
};

// INVALID_ARGUMENT (NAME_INVALID) for a name that is of none of these.
absl::StatusOr<RevocationTarget> ParseRevocationTarget(absl::string_view name);

// The keys that it is about, in name order. NOT_FOUND for a key, version or tenant that
// is not there, and for a partition that no tenant has its keys in.
absl::StatusOr<std::vector<std::shared_ptr<const catalog::Key>>> KeysOf(
    const catalog::Snapshot& snapshot, const RevocationTarget& target, absl::string_view name);

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_REVOCATION_TARGET_H_
