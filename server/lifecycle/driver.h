// The thread that does what the plan says.
#ifndef SEALWARD_SERVER_LIFECYCLE_DRIVER_H_
#define SEALWARD_SERVER_LIFECYCLE_DRIVER_H_

#include <cstddef>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "server/catalog/catalog.h"
#include "server/hsm_client/partitions.h"
#include "server/lifecycle/due_keys.h"
#include "server/lifecycle/epochs.h"
#include "server/lifecycle/key_manager.h"
#include "server/lifecycle/quarantine.h"
#include "server/lifecycle/reconcile.h"
#include "server/telemetry/metrics.h"

namespace sealward::lifecycle {

// Keys for which a pass does what the store alone can; the rest comes in the next, which
// follows at once.
inline constexpr size_t kMaxKeysPerPass = 256;
// Keys for which a pass does what needs the HSM. Then signing has the HSM to itself for
// as long as that took, at most kLongestTurn: a mass rotation takes at most half of it.
inline constexpr size_t kMaxHsmKeysPerPass = 4;
inline constexpr absl::Duration kLongestTurn = absl::Seconds(5);
// How often versions are counted for the metrics, which costs all of them.
inline constexpr absl::Duration kCountPeriod = absl::Seconds(15);
// After a failure the next try waits, twice as long each time.
inline constexpr absl::Duration kFirstRetryDelay = absl::Seconds(1);
inline constexpr absl::Duration kLastRetryDelay = absl::Minutes(1);
// Every key is looked at this often, whatever it said about its next time.
inline constexpr absl::Duration kRescanPeriod = absl::Minutes(5);
// How often partition and store are compared, and how long that may take.
inline constexpr absl::Duration kReconcilePeriod = absl::Hours(1);
inline constexpr absl::Duration kReconcileTimeout = absl::Minutes(5);
// Longest sleep: bounds what a step of the system's clock can delay.
inline constexpr absl::Duration kMaxSleep = absl::Seconds(10);

// Driver keeps every key of one partition on its plan: it does what PlanStep finds due,
// carries out what was purged from quarantine, and compares the partition with the store
// at the start and on a schedule. It serves
// nobody and nobody waits for it: what signs is a function of stored times, so an absent
// HSM or a slow driver delays and breaks nothing. Several partitions have a driver each
// (drivers.h), so that one that hangs delays nobody else's keys.
//
// Keys wait in two queues, the most urgent first (DueSince in due_change.h): those that
// need the store, and those that need the HSM besides. So an HSM that is out of reach
// delays no switch and no withdrawal; it is tried for one key, with growing delays, and
// a key that keeps failing comes after those that do not. A pass costs what is due, not
// what there is.
//
// Threads: one of its own between Start and Stop; Notify from any.
class Driver {
 public:
  // All pointers outlive it.
  struct Options {
    KeyManager* manager = nullptr;
    const catalog::Catalog* catalog = nullptr;
    hsm_client::Partitions::Named partition;
    const Clock* clock = nullptr;
    telemetry::Metrics* metrics = nullptr;
    Withheld* withheld = nullptr;
    Epochs* epochs = nullptr;
    const Quarantine* quarantine = nullptr;
  };
  explicit Driver(Options options) : options_(std::move(options)) {}
  ~Driver() { Stop(); }
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  void Start();
  // Ends after the step under way, at most kGenerateTimeout; stopping the
  // partition first makes it quick. May be called again.
  void Stop();

  // Looks at `key` (resource name) soon. REQUIRES: it is in this partition.
  void Notify(absl::string_view key) ABSL_LOCKS_EXCLUDED(mu_);

  // One pass over what is due; returns when the next should be. What the thread
  // does over and over; for tests, where there is no thread.
  absl::Time RunPass() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Backoff doubles from kFirstRetryDelay to kLastRetryDelay.
  struct Backoff {
    absl::Time retry_at = absl::InfinitePast();
    absl::Duration delay = kFirstRetryDelay;
    void Failed(absl::Time now);
  };

  using Failures = absl::flat_hash_map<std::string, Backoff>;

  void Work();
  void ReconcileIfDue(absl::Time now);
  void RescanIfDue(absl::Time now);
  void CountIfDue(absl::Time now);
  void PurgeIfDue(absl::Time now);
  absl::flat_hash_set<std::string> TakeNews() ABSL_LOCKS_EXCLUDED(mu_);
  void Look(const std::string& key);
  void AdvanceInStore(const std::string& key, absl::Time now);
  void WorkInHsm(absl::Time now);
  bool AdvanceInHsm(const std::string& key, absl::Time now);
  void Took(const std::string& key, const Progress& progress, absl::Time now);
  void Wait(const std::string& key, absl::Time from);
  // When to try again.
  absl::Time Failed(const std::string& key, const absl::Status& status, absl::Time now,
                    Failures& failures);
  absl::Time NextWake() ABSL_LOCKS_EXCLUDED(mu_);

  const Options options_;

  // Of the thread that runs passes.
  DueKeys due_;
  DueKeys hsm_due_;
  Failures store_failures_;
  Failures hsm_failures_;
  Backoff hsm_;  // while the HSM does not answer
  absl::Time next_turn_ = absl::InfinitePast();
  absl::Time next_rescan_ = absl::InfinitePast();
  absl::Time next_count_ = absl::InfinitePast();
  absl::Time next_reconcile_ = absl::InfinitePast();
  Backoff reconcile_;
  absl::Time next_purge_ = absl::InfinitePast();
  Backoff purge_;

  absl::Mutex mu_;
  absl::flat_hash_set<std::string> news_ ABSL_GUARDED_BY(mu_);  // keys that have changed
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_DRIVER_H_
