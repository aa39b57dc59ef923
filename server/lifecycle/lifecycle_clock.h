// Lifecycle time as a clock.
#ifndef SEALWARD_SERVER_LIFECYCLE_LIFECYCLE_CLOCK_H_
#define SEALWARD_SERVER_LIFECYCLE_LIFECYCLE_CLOCK_H_

#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "server/catalog/operations.h"
#include "server/lifecycle/clock_rules.h"

namespace sealward::lifecycle {

// Reads the system's clocks. What it views lives as long as the process. Thread-safe.
using ReadClocks = std::function<ClockReading()>;

// CLOCK_REALTIME, CLOCK_BOOTTIME and /proc/sys/kernel/random/boot_id; where that cannot
// be read, an id of its own, so that each start counts as a boot.
ClockReading ReadSystemClocks();

// LifecycleClock is the time by which versions change their state: it never goes back,
// not across a restart either, and it stands still (is frozen) once the system's clock
// was set by more than it should be, until a person confirms that clock. Everything
// that is planned in stored times follows from it. What meets the outside world (`exp`
// and `iat`, certificates, deadlines of calls, logs) goes by SystemClock.
//
// Thread-safe; every call takes two system clocks and a short lock.
class LifecycleClock final : public Clock {
 public:
  // `memory` is what the store has of it.
  explicit LifecycleClock(const catalog::ClockMemory& memory, ReadClocks read = ReadSystemClocks);

  // Lifecycle time; while it is frozen, the same again and again.
  absl::Time Now() const override;

  // A clock that runs by CLOCK_BOOTTIME while lifecycle time is frozen, and is the same
  // otherwise: for the hard ends of signing, and for what is to be tried again. It may
  // go back when a person confirms the system's clock.
  const Clock& running() const { return running_; }

  // The state after a reading made now.
  ClockState state() const;

  // What Confirm would make of the state now; CompleteConfirmation takes it over once it
  // is in the store. REQUIRES: it is frozen.
  ClockState PrepareConfirmation() const;
  void CompleteConfirmation(const ClockState& confirmed);

  // The system's clock, read now.
  absl::Time Realtime() const { return read_().realtime; }

 private:
  class Running final : public Clock {
   public:
    explicit Running(const LifecycleClock& of) : of_(of) {}
    absl::Time Now() const override { return of_.Observed().time; }

   private:
    const LifecycleClock& of_;
  };
  // Both times, without the texts of the state.
  struct Times {
    absl::Time time;
    absl::Time lifecycle;
  };
  Times Observed() const;
  void ObserveLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const ReadClocks read_;
  const Running running_{*this};
  mutable absl::Mutex mu_;
  mutable ClockState state_ ABSL_GUARDED_BY(mu_);
};

// The state as the store keeps it, and back. `mod_revision` is not part of it.
catalog::ClockMemory ToMemory(const ClockState& state);
ClockState FromMemory(const catalog::ClockMemory& memory);

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_LIFECYCLE_CLOCK_H_
