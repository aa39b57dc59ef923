// What a partition holds, and which of it versions own.
#ifndef SEALWARD_SERVER_LIFECYCLE_PARTITION_OBJECTS_H_
#define SEALWARD_SERVER_LIFECYCLE_PARTITION_OBJECTS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sealward/hsm/v1/hsm.pb.h"
#include "server/catalog/snapshot.h"
#include "server/hsm_client/partition.h"

namespace sealward::lifecycle {

// Whether the key's objects belong into the partition of that name.
bool IsInPartition(const catalog::Key& key, absl::string_view partition);

// CKA_IDs that a version of the partition's keys owns. One that was destroyed and is
// back (from a backup of the HSM) is nobody's. Views into `snapshot`; linear in versions.
absl::flat_hash_set<absl::string_view> OwnedObjects(const catalog::Snapshot& snapshot,
                                                    absl::string_view partition);

// The id that is right before `id` in the order in which the HSM lists, so that a page
// after it begins with `id`; empty where there is none.
std::string IdBefore(absl::string_view id);

// A page of the partition's objects after `after` (hsm.proto, List). Blocks. Errors as
// CallHsm.
absl::StatusOr<hsm::v1::ObjectList> ListPage(hsm_client::Partition& partition,
                                             absl::string_view after, uint32_t limit,
                                             absl::Time deadline);

// The highest mark of one object. Blocks. Errors as CallHsm: UNIMPLEMENTED where the HSM
// has no marks.
absl::StatusOr<std::optional<hsm::v1::Mark>> FindMark(hsm_client::Partition& partition,
                                                      absl::string_view id, absl::Time deadline);

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_PARTITION_OBJECTS_H_
