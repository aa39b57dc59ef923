// The HSM partitions of a server, by name. A tenant's keys are in one of them.
#ifndef SEALWARD_SERVER_HSM_CLIENT_PARTITIONS_H_
#define SEALWARD_SERVER_HSM_CLIENT_PARTITIONS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/hsm_client/partition.h"

namespace sealward::hsm_client {

// The partition of tenants that have none of their own; [hsm] in the
// configuration. Records and messages may leave the name out.
inline constexpr absl::string_view kSharedPartition = "default";
// Partitions besides the shared one: each has processes and threads of its own.
inline constexpr int kMaxOwnPartitions = 16;
// What a caller is told to wait where only an operator can help.
inline constexpr absl::Duration kUnconfiguredRetryDelay = absl::Seconds(30);

// `name`, or kSharedPartition where it is empty.
inline absl::string_view PartitionName(absl::string_view name) {
  return name.empty() ? kSharedPartition : name;
}

// Partitions finds a partition by its name. Immutable, so any thread may ask;
// what it points to outlives it.
class Partitions {
 public:
  struct Named {
    std::string name;
    Partition* partition = nullptr;
  };

  // REQUIRES: names are different; kSharedPartition is among them.
  explicit Partitions(std::vector<Named> partitions) : partitions_(std::move(partitions)) {}

  // The partition of that name; an empty one is kSharedPartition's. UNAVAILABLE
  // with RetryInfo (PARTITION_NOT_CONFIGURED) if there is none: the
  // configuration has changed since a tenant was bound to it. Allocates nothing
  // where it succeeds.
  absl::StatusOr<Partition*> Find(absl::string_view name) const;

  // Whether Find succeeds.
  bool Contains(absl::string_view name) const;

  // In the order in which they were given.
  const std::vector<Named>& all() const { return partitions_; }

 private:
  const std::vector<Named> partitions_;  // few: a scan beats a hash
};

}  // namespace sealward::hsm_client

#endif  // SEALWARD_SERVER_HSM_CLIENT_PARTITIONS_H_
