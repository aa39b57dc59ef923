#include "server/hsm_client/partitions.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/errors.h"

namespace sealward::hsm_client {

absl::StatusOr<Partition*> Partitions::Find(absl::string_view name) const {
  const auto found = std::ranges::find(partitions_, PartitionName(name), &Named::name);
  if (found != partitions_.end()) return found->partition;
  return MakeRetryableError(
      absl::StatusCode::kUnavailable, "PARTITION_NOT_CONFIGURED",
      absl::StrCat("the tenant's keys are in the HSM partition \"", name,
                   "\", which this server is not configured for; an operator has to put "
                   "[partitions.",
                   name, "] back into its configuration"),
      kUnconfiguredRetryDelay);
}

bool Partitions::Contains(absl::string_view name) const {
  return std::ranges::find(partitions_, PartitionName(name), &Named::name) != partitions_.end();
}

}  // namespace sealward::hsm_client
