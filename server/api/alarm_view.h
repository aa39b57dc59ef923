// Which alarms a principal may see.
#ifndef SEALWARD_SERVER_API_ALARM_VIEW_H_
#define SEALWARD_SERVER_API_ALARM_VIEW_H_

#include "absl/strings/string_view.h"
#include "server/auth/decision.h"
#include "server/catalog/snapshot.h"

namespace sealward::api {

// Whether `principal` may see an alarm about `resource`: who may read a key or an
// issuer sees theirs, who may read the service's status sees those of partitions and of
// the service (an empty resource). Pure.
bool MaySeeAlarm(const catalog::Snapshot& snapshot, absl::string_view principal,
                 absl::string_view resource);

// Whether `principal` may read anything in `parent` (tenants/{tenant}, or empty for
// everything) that there can be an alarm about: nobody is to take an empty list for
// peace only because they may see nothing. Whether the tenant exists changes nothing.
// Pure.
auth::Decision MayListAlarms(const catalog::Snapshot& snapshot, absl::string_view principal,
                             absl::string_view parent);

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_ALARM_VIEW_H_
