// What works on keys: signing, creation and rotation, and the drivers.
#ifndef SEALWARD_SERVER_APP_KEY_WORK_H_
#define SEALWARD_SERVER_APP_KEY_WORK_H_

#include "common/clock.h"
#include "server/catalog/catalog.h"
#include "server/hsm_client/partitions.h"
#include "server/lifecycle/clock_keeper.h"
#include "server/lifecycle/drivers.h"
#include "server/lifecycle/key_manager.h"
#include "server/lifecycle/lifecycle_clock.h"
#include "server/lifecycle/quarantine.h"
#include "server/lifecycle/reconcile.h"
#include "server/signing/raw_signer.h"
#include "server/signing/signer.h"
#include "server/telemetry/metrics.h"

namespace sealward::app {

// KeyWork is those parts over one catalog and its partitions, which outlive it.
// Each may use those above it.
struct KeyWork {
  KeyWork(catalog::Catalog* catalog, const hsm_client::Partitions* partitions,
          lifecycle::Epochs* epochs, const Clock* clock,
          const lifecycle::LifecycleClock* lifecycle_clock, telemetry::Metrics* metrics);

  lifecycle::ClockKeeper clock_keeper;
  lifecycle::Withheld withheld;
  lifecycle::KeyManager manager;
  lifecycle::Quarantine quarantine;
  lifecycle::Drivers drivers;
  signing::Route route;
  signing::Signer signer;
  signing::RawSigner raw_signer;
};

// Logs and counts an alarm for each tenant whose partition the configuration
// does not have: its keys sign nothing, the others go on.
void ReportUnconfigured(const catalog::Snapshot& snapshot, const hsm_client::Partitions& partitions,
                        telemetry::Metrics& metrics);

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_KEY_WORK_H_
