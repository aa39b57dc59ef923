// When processes that ended may be started again.
#ifndef SEALWARD_SERVER_HSM_CLIENT_RESTART_SCHEDULE_H_
#define SEALWARD_SERVER_HSM_CLIENT_RESTART_SCHEDULE_H_

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace sealward::hsm_client {

// Between two tries to start a process; doubles from the first to the last.
inline constexpr std::chrono::milliseconds kFirstRestartDelay{50};
inline constexpr std::chrono::milliseconds kLastRestartDelay{5000};
// A process that was ready for as long was a good one: its end is nothing that
// repeats, and the delays begin anew.
inline constexpr std::chrono::seconds kStableUptime{10};

// RestartSchedule bounds how often a partition is logged in to. Each start is a
// login, and HSMs count logins, lock, or fall over from them. So a delay ends with
// a process that stays, not with one that gets ready and dies; and where the HSM
// was the reason, the delay is for all processes of the partition: over any time,
// logins are at most one for each process plus one for each kLastRestartDelay and
// the few of the doubling. Not thread-safe.
class RestartSchedule {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // Whose fault an end was: the process's own, or one that the next process is
  // going to meet, too.
  enum class Cause { kProcess, kPartition };

  // All slots are due at once.
  explicit RestartSchedule(size_t slots) : slots_(slots) {}

  // The process of `slot` is ready.
  void Ready(size_t slot, SteadyTime now) { slots_[slot].ready_since = now; }

  // The process of `slot` ended, or could not be started.
  void Ended(size_t slot, Cause cause, SteadyTime now);

  // When `slot` may be started.
  SteadyTime DueAt(size_t slot) const;

  // Of those slots of which `down` says so and which are due, the one that waits
  // longest: a slot that always fails must not keep the others from starting.
  std::optional<size_t> Next(const std::vector<bool>& down, SteadyTime now) const;

 private:
  struct Backoff {
    std::chrono::milliseconds delay = kFirstRestartDelay;
    SteadyTime due;
    void Fail(bool was_stable, SteadyTime now);
  };
  struct Slot {
    Backoff own;
    std::optional<SteadyTime> ready_since;
  };

  std::vector<Slot> slots_;
  Backoff partition_;
};

}  // namespace sealward::hsm_client

#endif  // SEALWARD_SERVER_HSM_CLIENT_RESTART_SCHEDULE_H_
