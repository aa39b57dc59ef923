// Operations about marks and the epoch, for tests.
#ifndef SEALWARD_TESTS_CONTRACT_HSM_MARK_OPERATIONS_H_
#define SEALWARD_TESTS_CONTRACT_HSM_MARK_OPERATIONS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sealward/hsm/v1/hsm.pb.h"

namespace sealward::hsm_test {

// The reference of a pair that no label attributes.
inline hsm::v1::ObjectRef BareRef(absl::string_view id) {
  hsm::v1::ObjectRef ref;
  ref.set_object_id(std::string(id));
  return ref;
}

inline hsm::v1::Operation ScheduleOp(const hsm::v1::ObjectRef& ref, absl::Time time) {
  hsm::v1::Operation operation;
  *operation.mutable_schedule_destroy()->mutable_object() = ref;
  operation.mutable_schedule_destroy()->set_destroy_time_us(absl::ToUnixMicros(time));
  return operation;
}

inline hsm::v1::Operation DestroyOp(const hsm::v1::ObjectRef& ref) {
  hsm::v1::Operation operation;
  *operation.mutable_destroy()->mutable_object() = ref;
  return operation;
}

inline hsm::v1::Operation CancelOp(const hsm::v1::ObjectRef& ref) {
  hsm::v1::Operation operation;
  *operation.mutable_cancel_destroy()->mutable_object() = ref;
  return operation;
}

inline hsm::v1::Operation RevokeOp(const hsm::v1::ObjectRef& ref,
                                   absl::Time time = absl::FromUnixSeconds(1'700'000'000)) {
  hsm::v1::Operation operation;
  *operation.mutable_revoke()->mutable_object() = ref;
  operation.mutable_revoke()->set_revoke_time_us(absl::ToUnixMicros(time));
  return operation;
}

inline hsm::v1::Operation ListMarksOp(absl::string_view after = "", uint32_t limit = 256) {
  hsm::v1::Operation operation;
  operation.mutable_list_marks()->set_after_object_id(std::string(after));
  operation.mutable_list_marks()->set_limit(limit);
  return operation;
}

inline hsm::v1::Operation ReadEpochOp() {
  hsm::v1::Operation operation;
  operation.mutable_read_epoch();
  return operation;
}

// `lineage` and `recover` are letters, which make a lineage of 16.
inline hsm::v1::Operation AdvanceOp(char lineage, int64_t revision, char recover = 0) {
  hsm::v1::Operation operation;
  operation.mutable_advance_epoch()->mutable_epoch()->set_lineage(std::string(16, lineage));
  operation.mutable_advance_epoch()->mutable_epoch()->set_revision(revision);
  if (recover != 0) operation.mutable_advance_epoch()->set_recover(std::string(16, recover));
  return operation;
}

}  // namespace sealward::hsm_test

#endif  // SEALWARD_TESTS_CONTRACT_HSM_MARK_OPERATIONS_H_
