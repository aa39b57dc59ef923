// Keeps lifecycle time in the store, so that a restart does not lose it.
#ifndef SEALWARD_SERVER_LIFECYCLE_CLOCK_KEEPER_H_
#define SEALWARD_SERVER_LIFECYCLE_CLOCK_KEEPER_H_

#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/catalog/catalog.h"
#include "server/lifecycle/lifecycle_clock.h"
#include "server/store/store.h"
#include "server/telemetry/metrics.h"

namespace sealward::lifecycle {

// How often lifecycle time is written, at the least: what a crash before a boot can
// lose of it. A commit of a key's versions writes it too (AddTo).
inline constexpr absl::Duration kClockWritePeriod = absl::Minutes(1);
// How often the system's clocks are compared when nobody asks for the time.
inline constexpr absl::Duration kClockCheckPeriod = absl::Seconds(1);

// ClockKeeper writes a LifecycleClock's state into the store: each kClockWritePeriod,
// and at once when it freezes or goes on, which it also logs.
//
// Threads: one of its own between Start and Stop; AddTo from any.
class ClockKeeper {
 public:
  // All outlive it.
  struct Options {
    catalog::Catalog* catalog = nullptr;
    const LifecycleClock* clock = nullptr;
    telemetry::Metrics* metrics = nullptr;
  };
  explicit ClockKeeper(const Options& options) : options_(options) {}
  // Stops.
  ~ClockKeeper() { Stop(); }
  ClockKeeper(const ClockKeeper&) = delete;
  ClockKeeper& operator=(const ClockKeeper&) = delete;

  void Start();
  // Writes once more. May be called again.
  void Stop();

  // Makes `transaction` write the clock's state, so that no time that it stores is ever
  // ahead of lifecycle time after a crash. Does nothing where it has no room left.
  void AddTo(store::Transaction& transaction) const;

  // Looks at the clock and writes what is due. What the thread does over and over; for
  // tests, where there is no thread. Errors as catalog::Catalog::Commit; the next call
  // tries again.
  absl::Status Check();

 private:
  void Work();
  void Tell(const ClockState& state);
  absl::Status Write(const ClockState& state);

  const Options options_;
  // Of the thread that checks.
  ClockState told_;       // what the log says
  bool written_ = false;  // since the start
  ClockState last_written_;
  bool write_failed_ = false;

  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_CLOCK_KEEPER_H_
