// Alarms on a schedule of their own: told when they begin and when they end.
#ifndef SEALWARD_SERVER_ALARMS_WATCH_H_
#define SEALWARD_SERVER_ALARMS_WATCH_H_

#include <cstddef>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/alarms/alarm.h"
#include "server/alarms/evaluate.h"
#include "server/catalog/catalog.h"
#include "server/hsm_client/partitions.h"
#include "server/lifecycle/lifecycle_clock.h"
#include "server/lifecycle/reconcile.h"
#include "server/telemetry/metrics.h"

namespace sealward::alarms {

// How often alarms are computed when nobody asks for them.
inline constexpr absl::Duration kAlarmPeriod = absl::Seconds(5);
// Lines of the log that one round writes; what comes beyond is one line with a count.
inline constexpr size_t kMaxLinesPerRound = 100;

// AlarmWatch computes all alarms each kAlarmPeriod, logs each that begins and each that
// ends once, and keeps the gauges. It asks no driver: where that hangs, this tells.
//
// Threads: one of its own between Start and Stop; Current from any.
class AlarmWatch {
 public:
  // All outlive it.
  struct Options {
    const catalog::Catalog* catalog = nullptr;
    const hsm_client::Partitions* partitions = nullptr;
    const lifecycle::Withheld* withheld = nullptr;
    const lifecycle::LifecycleClock* clock = nullptr;
    telemetry::Metrics* metrics = nullptr;
  };
  explicit AlarmWatch(const Options& options) : options_(options) {}
  // Stops.
  ~AlarmWatch() { Stop(); }
  AlarmWatch(const AlarmWatch&) = delete;
  AlarmWatch& operator=(const AlarmWatch&) = delete;

  void Start();
  // May be called again.
  void Stop();

  // The alarms of now about resources that are `wanted`, in the order of Before. Where
  // the stored times do not tell `since`, it is when a round first saw the alarm.
  std::vector<Alarm> Current(const Wanted& wanted) const;

  // One round. What the thread does over and over; for tests, where there is none.
  void Round();

 private:
  using Id = std::pair<Kind, std::string>;
  using Standing = absl::flat_hash_map<Id, absl::Time>;  // since when each was seen

  void Work();
  Facts FactsOf(const catalog::Snapshot& snapshot) const;
  // Makes `alarms` those that stand; returns those that stood before.
  Standing Stand(const std::vector<Alarm>& alarms, absl::Time now);
  void Count(const std::vector<Alarm>& alarms) const;
  void SetGauges(const Facts& facts) const;

  const Options options_;
  mutable absl::Mutex mu_;
  // What the log says is wrong.
  Standing standing_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace sealward::alarms

#endif  // SEALWARD_SERVER_ALARMS_WATCH_H_
