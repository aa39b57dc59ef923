// The epoch: how far a partition knows its store to be.
#ifndef SEALWARD_HSM_EPOCH_STORE_H_
#define SEALWARD_HSM_EPOCH_STORE_H_

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hsm/data_objects.h"
#include "hsm/partition_writer.h"
#include "sealward/hsm/v1/hsm.pb.h"
#include "sealward/partition/v1/partition.pb.h"

namespace sealward::hsm {

// EpochStore reads the epoch and moves it forward. A process that is killed while
// it does leaves the old one, the new one, or both, of which the higher counts.
// REQUIRES: the profile has data objects. Not thread-safe.
//
// DATA_LOSS (EPOCH_UNREADABLE) where an epoch object cannot be read: taking the next
// best could let an old store sign.
class EpochStore {
 public:
  EpochStore(const DataObjects& objects, const PartitionWriter& writer)
      : objects_(objects), writer_(writer) {}

  // Empty if the partition has none yet.
  absl::StatusOr<v1::Epoch> Read() const;

  // As the verb (proto/sealward/hsm/v1/hsm.proto); the epoch that the partition has
  // then. INVALID_ARGUMENT (EPOCH_INVALID), FAILED_PRECONDITION (OTHER_LINEAGE),
  // UNAVAILABLE (PARTITION_LOCKED).
  absl::StatusOr<v1::Epoch> Advance(const v1::AdvanceEpoch& request);

 private:
  // All that there are: the highest, and the data objects of those below.
  struct Found {
    std::optional<partition::v1::Epoch> highest;
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    std::vector<CK_OBJECT_HANDLE> lower;
  };

  absl::StatusOr<Found> Find() const;
  absl::Status Replace(const partition::v1::Epoch& next, Found& found) const;

  const DataObjects& objects_;
  const PartitionWriter& writer_;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_EPOCH_STORE_H_
