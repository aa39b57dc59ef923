#include "server/app/key_work.h"

#include "server/telemetry/logging.h"

namespace sealward::app {

KeyWork::KeyWork(catalog::Catalog* catalog, const hsm_client::Partitions* partitions,
                 const Clock* clock, telemetry::Metrics* metrics)
    : manager({.catalog = catalog, .partitions = partitions, .clock = clock, .metrics = metrics}),
      drivers({&manager, catalog, partitions, clock, metrics, &withheld}),
      signer({partitions, &withheld, clock, [metrics](const catalog::KeyVersion& version) {
                metrics->CountVerifyFailure();
                metrics->CountAlarm("signature_invalid");
                telemetry::Log(telemetry::Level::kError, "signature_invalid",
                               {{"kid", version.jwk.kid()}});
              }}) {}

void ReportUnconfigured(const catalog::Snapshot& snapshot, const hsm_client::Partitions& partitions,
                        telemetry::Metrics& metrics) {
  for (const auto& [name, tenant] : snapshot.tenants) {
    if (partitions.Contains(tenant->partition)) continue;
    metrics.CountAlarm("partition_not_configured");
    telemetry::Log(telemetry::Level::kError, "partition_not_configured",
                   {{"tenant", name}, {"partition", tenant->partition}});
  }
}

}  // namespace sealward::app
