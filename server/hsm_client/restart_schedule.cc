#include "server/hsm_client/restart_schedule.h"

#include <algorithm>

namespace sealward::hsm_client {

void RestartSchedule::Backoff::Fail(bool was_stable, SteadyTime now) {
  if (was_stable) delay = kFirstRestartDelay;
  due = now + delay;
  delay = std::min(delay * 2, kLastRestartDelay);
}

void RestartSchedule::Ended(size_t slot, Cause cause, SteadyTime now) {
  Slot& ended = slots_[slot];
  const bool was_stable = ended.ready_since && now - *ended.ready_since >= kStableUptime;
  ended.ready_since.reset();
  ended.own.Fail(was_stable, now);
  if (cause == Cause::kPartition) partition_.Fail(was_stable, now);
}

RestartSchedule::SteadyTime RestartSchedule::DueAt(size_t slot) const {
  return std::max(slots_[slot].own.due, partition_.due);
}

std::optional<size_t> RestartSchedule::Next(const std::vector<bool>& down, SteadyTime now) const {
  std::optional<size_t> next;
  for (size_t slot = 0; slot < slots_.size(); ++slot) {
    if (!down[slot] || DueAt(slot) > now) continue;
    if (!next || slots_[slot].own.due < slots_[*next].own.due) next = slot;
  }
  return next;
}

}  // namespace sealward::hsm_client
