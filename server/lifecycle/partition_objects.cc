#include "server/lifecycle/partition_objects.h"

#include <utility>

#include "server/hsm_client/partitions.h"
#include "server/lifecycle/hsm_call.h"

namespace sealward::lifecycle {

bool IsInPartition(const catalog::Key& key, absl::string_view partition) {
  return hsm_client::PartitionName(key.tenant->partition) == partition;
}

absl::flat_hash_set<absl::string_view> OwnedObjects(const catalog::Snapshot& snapshot,
                                                    absl::string_view partition) {
  absl::flat_hash_set<absl::string_view> owned;
  for (const auto& [name, key] : snapshot.keys) {
    if (!IsInPartition(*key, partition)) continue;
    for (const auto& version : key->versions) {
      if (version->times.destroy == absl::InfiniteFuture()) owned.insert(version->object_id);
    }
  }
  return owned;
}

std::string IdBefore(absl::string_view id) {
  std::string before(id);
  for (size_t i = before.size(); i > 0; --i) {
    const auto byte = static_cast<unsigned char>(before[i - 1]);
    before[i - 1] = static_cast<char>(byte - 1);
    if (byte != 0) return before;
  }
  return "";  // it is the first of all
}

absl::StatusOr<hsm::v1::ObjectList> ListPage(hsm_client::Partition& partition,
                                             absl::string_view after, uint32_t limit,
                                             absl::Time deadline) {
  hsm::v1::Operation operation;
  operation.mutable_list()->set_after_object_id(std::string(after));
  operation.mutable_list()->set_limit(limit);
  auto result = CallHsm(partition, std::move(operation), deadline);
  if (!result.ok()) return result.status();
  return std::move(*result->mutable_object_list());
}

absl::StatusOr<std::optional<hsm::v1::Mark>> FindMark(hsm_client::Partition& partition,
                                                      absl::string_view id, absl::Time deadline) {
  hsm::v1::Operation operation;
  operation.mutable_list_marks()->set_after_object_id(IdBefore(id));
  operation.mutable_list_marks()->set_limit(1);
  const auto result = CallHsm(partition, std::move(operation), deadline);
  if (!result.ok()) return result.status();
  const hsm::v1::MarkList& list = result->mark_list();
  if (list.marks_size() == 0 || list.marks(0).object_id() != id) return std::nullopt;
  return list.marks(0);
}

}  // namespace sealward::lifecycle
