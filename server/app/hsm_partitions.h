// The signer processes of every partition in the configuration.
#ifndef SEALWARD_SERVER_APP_HSM_PARTITIONS_H_
#define SEALWARD_SERVER_APP_HSM_PARTITIONS_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "server/app/config.h"
#include "server/app/ready_file.h"
#include "server/app/signer_isolation.h"
#include "server/hsm_client/partitions.h"
#include "server/hsm_client/process_partition.h"
#include "server/telemetry/metrics.h"

namespace sealward::app {

// How long the start waits for partitions that say neither that they are ready
// nor why not: a process may hang in its login, where nobody kills it. While no
// partition is ready, and once one is: its tenants are not to wait for others.
inline constexpr absl::Duration kHsmStartTimeout = absl::Minutes(2);
inline constexpr absl::Duration kHsmLateTimeout = absl::Seconds(10);

// How to reach the processes of a partition; everything else as it is by default. What
// `check` refuses is not connected to.
hsm_client::ProcessPartition::Options PartitionOptions(const Config::Hsm& config,
                                                       const Clock* clock,
                                                       hsm_client::PeerCheck check);

// HsmPartitions starts, watches and ends all partitions, each with processes of
// its own: what becomes of one is nothing to the others. Thread-safe; Stop is
// called once.
class HsmPartitions {
 public:
  // Starts the processes; waits for none. `isolation`, `clock` and `metrics` outlive it.
  HsmPartitions(const Config& config, SignerIsolation* isolation, const Clock* clock,
                telemetry::Metrics* metrics);
  // Stops at once.
  ~HsmPartitions();
  HsmPartitions(const HsmPartitions&) = delete;
  HsmPartitions& operator=(const HsmPartitions&) = delete;

  const hsm_client::Partitions& partitions() const { return partitions_; }

  // Waits until each partition has a process that is ready, or has failed to
  // get one, or a timeout above. `settled` is called with the name of each as
  // soon as it is that far, for a late one after the return too, on threads
  // that Stop joins. Called at most once.
  void AwaitStart(const std::function<void(const std::string& partition)>& settled);

  // OK while some partition has a ready process and `usable` has nothing against it,
  // else what is wrong with the shared one. A partition's failure is its tenants' own: a server
  // that were taken out of the load balancer for it would take everybody else's keys with it.
  absl::Status Health(absl::FunctionRef<absl::Status(const hsm_client::Partition&)> usable) const;

  // The gauges that are read off when somebody asks for the metrics.
  void UpdateGauges() const;

  // The shared one first.
  std::vector<PartitionInfo> Infos() const;

  // Ends all of them at the same time; as ProcessPartition::Stop.
  void Stop(std::chrono::steady_clock::time_point deadline);

 private:
  struct Entry {
    std::string name;
    std::unique_ptr<hsm_client::ProcessPartition> partition;
  };
  static std::vector<Entry> StartAll(const Config& config, SignerIsolation* isolation,
                                     const Clock* clock, telemetry::Metrics* metrics);
  static std::vector<hsm_client::Partitions::Named> Named(const std::vector<Entry>& entries);

  telemetry::Metrics* const metrics_;
  const std::vector<Entry> entries_;
  const hsm_client::Partitions partitions_;
  std::vector<std::thread> waiters_;
  absl::Mutex mu_;
  size_t settled_ ABSL_GUARDED_BY(mu_) = 0;
  bool one_is_ready_ ABSL_GUARDED_BY(mu_) = false;
  bool stopped_ = false;
};

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_HSM_PARTITIONS_H_
