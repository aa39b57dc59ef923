// What the HSM is asked about key pairs that are on their way out.
#ifndef SEALWARD_SERVER_LIFECYCLE_OBJECT_CALLS_H_
#define SEALWARD_SERVER_LIFECYCLE_OBJECT_CALLS_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "sealward/hsm/v1/hsm.pb.h"
#include "server/catalog/snapshot.h"
#include "server/hsm_client/partition.h"

namespace sealward::lifecycle {

// The door that the label of the key's objects opens.
hsm::v1::ObjectPurpose PurposeOf(const catalog::Key& key);

// A version's key pair, as the HSM knows it.
hsm::v1::ObjectRef ObjectOf(const catalog::Key& key, const catalog::KeyVersion& version);

// The verbs of the same names (hsm.proto). Each can be repeated, and blocks. Errors as
// CallHsm, and those named. Where the HSM has no marks (Description.has_marks), all but
// DestroyObject succeed: what the store says is then all there is.

// Leaves a tombstone.
absl::Status RevokeObject(hsm_client::Partition& partition, const hsm::v1::ObjectRef& object,
                          absl::Time revoke_time, absl::Time deadline);

// Starts the window. FAILED_PRECONDITION (WINDOW_TOO_SHORT): `destroy_time` is nearer
// than the HSM process's own least window.
absl::Status ScheduleObject(hsm_client::Partition& partition, const hsm::v1::ObjectRef& object,
                            absl::Time destroy_time, absl::Time deadline);

// Takes that back. FAILED_PRECONDITION (DESTROYED).
absl::Status UnscheduleObject(hsm_client::Partition& partition, const hsm::v1::ObjectRef& object,
                              absl::Time deadline);

// Destroys. FAILED_PRECONDITION (WINDOW_OPEN, NOT_SCHEDULED); UNIMPLEMENTED
// (HSM_CANNOT_DESTROY) where the HSM has no marks.
absl::Status DestroyObject(hsm_client::Partition& partition, const hsm::v1::ObjectRef& object,
                           absl::Time deadline);

// When to destroy instead, where a window of `least` does not fit any more: further each
// time, where the HSM's clock is ahead of ours. `margin` is Margins::window_margin.
absl::Time PutOff(absl::Time due, absl::Duration least, absl::Duration margin, absl::Time now);

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_OBJECT_CALLS_H_
