#include "server/app/key_work.h"

#include "server/telemetry/logging.h"

namespace sealward::app {

KeyWork::KeyWork(catalog::Catalog* catalog, const hsm_client::Partitions* partitions,
                 lifecycle::Epochs* epochs, const Clock* clock,
                 const lifecycle::LifecycleClock* lifecycle_clock, telemetry::Metrics* metrics)
    : clock_keeper({catalog, lifecycle_clock, metrics}),
      manager(
          {.catalog = catalog,
           .partitions = partitions,
           .clock = lifecycle_clock,
           .metrics = metrics,
           .epochs = epochs,
           .wall = clock,
           .stamp = [this](store::Transaction& transaction) { clock_keeper.AddTo(transaction); }}),
      quarantine(
          {.catalog = catalog,
           .partitions = partitions,
           .clock = lifecycle_clock,
           .metrics = metrics,
           .epochs = epochs,
           .manager = &manager,
           .stamp = [this](store::Transaction& transaction) { clock_keeper.AddTo(transaction); },
           .margins = catalog->Get()->margins}),
      drivers({&manager, catalog, partitions, lifecycle_clock, metrics, &withheld, epochs,
               &quarantine}),
      route({partitions, &withheld, epochs, clock,
             [metrics](const catalog::KeyVersion& version) {
               metrics->CountVerifyFailure();
               metrics->CountAlarm("signature_invalid");
               telemetry::Log(telemetry::Level::kError, "signature_invalid",
                              {{"kid", version.jwk.kid()}});
             },
             lifecycle_clock, &lifecycle_clock->running()}),
      signer(&route),
      raw_signer(&route) {}

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
