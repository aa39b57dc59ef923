// What a driver tells people.
#ifndef SEALWARD_SERVER_LIFECYCLE_DRIVER_REPORT_H_
#define SEALWARD_SERVER_LIFECYCLE_DRIVER_REPORT_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/catalog/snapshot.h"
#include "server/lifecycle/reconcile.h"
#include "server/telemetry/metrics.h"

namespace sealward::lifecycle {

// Logs where partition and store disagree, and counts the alarms.
void TellReport(absl::string_view partition, const ReconcileReport& report,
                telemetry::Metrics& metrics);

// Sets how many versions are in each state. Costs all of them.
void CountVersions(const catalog::Snapshot& snapshot, absl::Time now, telemetry::Metrics& metrics);

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_DRIVER_REPORT_H_
