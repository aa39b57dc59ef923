#include "server/lifecycle/object_calls.h"

#include <algorithm>
#include <utility>

#include "common/errors.h"
#include "server/lifecycle/hsm_call.h"
#include "server/lifecycle/key_manager.h"

namespace sealward::lifecycle {
namespace {

absl::Status Call(hsm_client::Partition& partition, hsm::v1::Operation operation,
                  absl::Time deadline) {
  return CallHsm(partition, std::move(operation), deadline).status();
}

// An HSM without marks has nothing to say about them.
absl::Status UnlessNoMarks(absl::Status status) {
  return absl::IsUnimplemented(status) ? absl::OkStatus() : status;
}

}  // namespace

hsm::v1::ObjectPurpose PurposeOf(const catalog::Key& key) {
  return key.purpose == v1::KEY_PURPOSE_RAW ? hsm::v1::OBJECT_PURPOSE_RAW
                                            : hsm::v1::OBJECT_PURPOSE_JWT;
}

hsm::v1::ObjectRef ObjectOf(const catalog::Key& key, const catalog::KeyVersion& version) {
  hsm::v1::ObjectRef object;
  object.set_object_id(version.object_id);
  object.set_key(key.name);
  object.set_purpose(PurposeOf(key));
  return object;
}

absl::Status RevokeObject(hsm_client::Partition& partition, const hsm::v1::ObjectRef& object,
                          absl::Time revoke_time, absl::Time deadline) {
  hsm::v1::Operation operation;
  *operation.mutable_revoke()->mutable_object() = object;
  operation.mutable_revoke()->set_revoke_time_us(absl::ToUnixMicros(revoke_time));
  return UnlessNoMarks(Call(partition, std::move(operation), deadline));
}

absl::Status ScheduleObject(hsm_client::Partition& partition, const hsm::v1::ObjectRef& object,
                            absl::Time destroy_time, absl::Time deadline) {
  hsm::v1::Operation operation;
  *operation.mutable_schedule_destroy()->mutable_object() = object;
  operation.mutable_schedule_destroy()->set_destroy_time_us(absl::ToUnixMicros(destroy_time));
  return UnlessNoMarks(Call(partition, std::move(operation), deadline));
}

absl::Status UnscheduleObject(hsm_client::Partition& partition, const hsm::v1::ObjectRef& object,
                              absl::Time deadline) {
  hsm::v1::Operation operation;
  *operation.mutable_cancel_destroy()->mutable_object() = object;
  return UnlessNoMarks(Call(partition, std::move(operation), deadline));
}

absl::Status DestroyObject(hsm_client::Partition& partition, const hsm::v1::ObjectRef& object,
                           absl::Time deadline) {
  hsm::v1::Operation operation;
  *operation.mutable_destroy()->mutable_object() = object;
  absl::Status status = Call(partition, std::move(operation), deadline);
  if (!absl::IsUnimplemented(status)) return status;
  return MakeError(absl::StatusCode::kUnimplemented, "HSM_CANNOT_DESTROY",
                   "this HSM cannot hold the marks that a destruction needs; destroy the key pair "
                   "with the HSM's own tools");
}

absl::Time PutOff(absl::Time due, absl::Duration least, absl::Duration margin, absl::Time now) {
  margin = std::max(margin, least / 8);
  return std::max(due + margin, now + least + margin);
}

}  // namespace sealward::lifecycle
