// How fast a module signs.
#ifndef SEALWARD_HSM_CHECK_RATE_H_
#define SEALWARD_HSM_CHECK_RATE_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "hsm/key_object.h"
#include "hsm/open_partition.h"
#include "hsm/thread_team.h"

namespace sealward::hsm {

// Signatures a second by `object`, with the first of the partition's signing sessions at
// once, one for each member of `team`, for `duration`. Rough: nothing warms up, and other
// processes are not kept away. The first error of any session, which leaves that one in
// doubt. REQUIRES: the team has no more members than there are signing sessions, and the
// object's mechanism has no parameters.
absl::StatusOr<double> SignRate(const OpenPartition& partition, const KeyObject& object,
                                ThreadTeam& team, absl::Duration duration);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_CHECK_RATE_H_
