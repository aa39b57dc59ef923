// One driver for each partition.
#ifndef SEALWARD_SERVER_LIFECYCLE_DRIVERS_H_
#define SEALWARD_SERVER_LIFECYCLE_DRIVERS_H_

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "common/clock.h"
#include "server/catalog/catalog.h"
#include "server/hsm_client/partitions.h"
#include "server/lifecycle/driver.h"
#include "server/lifecycle/epochs.h"
#include "server/lifecycle/key_manager.h"
#include "server/lifecycle/quarantine.h"
#include "server/lifecycle/reconcile.h"
#include "server/telemetry/metrics.h"

namespace sealward::lifecycle {

// Drivers is the drivers of all partitions; a change of a key goes to the one
// that is its tenant's. A key whose partition is not configured has none: it
// signs nothing and stays published until the configuration is mended.
//
// Threads: those of the drivers; At and Start from any, Stop once they are done.
class Drivers {
 public:
  // All pointers outlive it. Nobody else listens to `manager`.
  struct Options {
    KeyManager* manager = nullptr;
    const catalog::Catalog* catalog = nullptr;
    const hsm_client::Partitions* partitions = nullptr;
    const Clock* clock = nullptr;
    telemetry::Metrics* metrics = nullptr;
    Withheld* withheld = nullptr;
    Epochs* epochs = nullptr;
    const Quarantine* quarantine = nullptr;
  };
  explicit Drivers(const Options& options);
  // Stops.
  ~Drivers();
  Drivers(const Drivers&) = delete;
  Drivers& operator=(const Drivers&) = delete;

  // The driver of a partition. REQUIRES: there is one of that name.
  Driver& At(absl::string_view partition) { return *drivers_.at(partition); }

  // Ends them all; each as Driver::Stop.
  void Stop();

 private:
  void Notify(absl::string_view key);

  const Options options_;
  absl::flat_hash_map<std::string, std::unique_ptr<Driver>> drivers_;  // not changed after
};

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_DRIVERS_H_
