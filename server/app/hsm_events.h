// What becomes of the signer processes, told to the log and to the metrics.
#ifndef SEALWARD_SERVER_APP_HSM_EVENTS_H_
#define SEALWARD_SERVER_APP_HSM_EVENTS_H_

#include "server/hsm_client/process_partition.h"
#include "server/telemetry/metrics.h"

namespace sealward::app {

// Logs the event of the partition of that name, and counts it. Any thread.
void RecordHsmEvent(absl::string_view partition, const hsm_client::PartitionEvent& event,
                    telemetry::Metrics& metrics);

// Gauges that are read off when somebody asks for the metrics.
void UpdateHsmGauges(absl::string_view name, const hsm_client::ProcessPartition& partition,
                     telemetry::Metrics& metrics);

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_HSM_EVENTS_H_
