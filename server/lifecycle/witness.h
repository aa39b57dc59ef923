// A partition as the witness of its store: what it says, and whether the store is
// older than that. Whoever puts an old copy of the store back would bring revoked
// keys back with it; the partition remembers what the copy does not know.
#ifndef SEALWARD_SERVER_LIFECYCLE_WITNESS_H_
#define SEALWARD_SERVER_LIFECYCLE_WITNESS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sealward/hsm/v1/hsm.pb.h"
#include "server/catalog/snapshot.h"
#include "server/hsm_client/partition.h"

namespace sealward::lifecycle {

// Marks asked for at once, and pages read; more than 16 million are an error.
inline constexpr uint32_t kMarksPageSize = 256;
inline constexpr int kMaxMarksPages = 65'536;

// Tombstones of a partition, REVOKED and DESTROYED, by CKA_ID.
using Tombstones = absl::flat_hash_map<std::string, hsm::v1::Mark>;

// Testimony is what a partition says about its store.
struct Testimony {
  bool has_marks = false;  // without, the rest is empty: there is no witness
  hsm::v1::Epoch epoch;    // empty before the first
  Tombstones tombstones;
};

// Asks it. Blocks. Errors as CallHsm; RESOURCE_EXHAUSTED beyond kMaxMarksPages.
absl::StatusOr<Testimony> AskWitness(hsm_client::Partition& partition, absl::Time deadline);

// The store revision of the last change of a key in the partition of that name; 0 if
// it has none. Linear in the keys.
int64_t EpochRevision(const catalog::Snapshot& snapshot, absl::string_view partition);

// Why the store is older than the partition, for people; empty if it is not. Pure.
//
// It is if the partition has an epoch of another lineage than the store's and than
// memory.partition_lineage, or a newer one than `known_revision`, or a tombstone for a
// version that the store does not know to be revoked, or scheduled to be destroyed, or
// for a revoked one that it does not know at all. A destroyed one that no version owns
// proves nothing: what was purged from quarantine leaves that.
// A store may be newer than its partition: it commits first.
std::string FindRollback(const catalog::Snapshot& snapshot, const catalog::PartitionMemory& memory,
                         int64_t known_revision, const Testimony& testimony);

// `key` with what the tombstones say of its versions: revoked ones are REVOKED and
// replaced as by a revocation now, destroyed ones DESTROYED; nullopt if the store knows
// all of it. `by` becomes their revoker. Pure.
std::optional<catalog::Key> WithTombstones(const catalog::Key& key, const Tombstones& tombstones,
                                           absl::string_view by, absl::Time now);

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_WITNESS_H_
