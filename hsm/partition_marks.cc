// The verbs about marks and the epoch.
#include "common/errors.h"
#include "hsm/partition.h"

namespace sealward::hsm {
namespace {

absl::Status NoDataObjects() {
  return MakeError(absl::StatusCode::kUnimplemented, "NO_DATA_OBJECTS",
                   "the partition has no data objects, so no marks and no epoch");
}

}  // namespace

absl::Status Partition::ScheduleDestroy(const v1::ScheduleDestroy& /*request*/) {
  return NoDataObjects();
}
absl::Status Partition::Destroy(const v1::Destroy& /*request*/) { return NoDataObjects(); }
absl::Status Partition::CancelDestroy(const v1::CancelDestroy& /*request*/) {
  return NoDataObjects();
}
absl::Status Partition::Revoke(const v1::Revoke& /*request*/) { return NoDataObjects(); }
absl::Status Partition::ListMarks(const v1::ListMarks& /*request*/, size_t /*room_bytes*/,
                                  v1::MarkList& /*out*/) {
  return NoDataObjects();
}
absl::Status Partition::ReadEpoch(v1::Epoch& /*out*/) { return NoDataObjects(); }
absl::Status Partition::AdvanceEpoch(const v1::AdvanceEpoch& /*request*/, v1::Epoch& /*out*/) {
  return NoDataObjects();
}

}  // namespace sealward::hsm
