#include "server/lifecycle/lifecycle_clock.h"

#include <unistd.h>

#include <ctime>
#include <fstream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sealward::lifecycle {
namespace {

timespec ReadClock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return now;
}

const std::string& BootId() {
  static const auto* const id = [] {
    auto* text = new std::string;
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    if (!std::getline(file, *text) || text->empty()) {
      *text = absl::StrCat("unknown-", getpid(), "-", ReadClock(CLOCK_REALTIME).tv_nsec);
    }
    return text;
  }();
  return *id;
}

}  // namespace

ClockReading ReadSystemClocks() {
  return {absl::TimeFromTimespec(ReadClock(CLOCK_REALTIME)),
          absl::DurationFromTimespec(ReadClock(CLOCK_BOOTTIME)), BootId()};
}

LifecycleClock::LifecycleClock(const catalog::ClockMemory& memory, ReadClocks read)
    : read_(std::move(read)), state_(FromMemory(memory)) {
  absl::MutexLock lock(&mu_);
  ObserveLocked();
}

void LifecycleClock::ObserveLocked() const { state_ = Observe(state_, read_()); }

absl::Time LifecycleClock::Now() const { return Observed().lifecycle; }

LifecycleClock::Times LifecycleClock::Observed() const {
  absl::MutexLock lock(&mu_);
  ObserveLocked();
  return {state_.time, LifecycleTime(state_)};
}

ClockState LifecycleClock::state() const {
  absl::MutexLock lock(&mu_);
  ObserveLocked();
  return state_;
}

ClockState LifecycleClock::PrepareConfirmation() const {
  absl::MutexLock lock(&mu_);
  return Confirm(state_, read_());
}

void LifecycleClock::CompleteConfirmation(const ClockState& confirmed) {
  absl::MutexLock lock(&mu_);
  state_ = confirmed;
  ObserveLocked();
}

catalog::ClockMemory ToMemory(const ClockState& state) {
  catalog::ClockMemory memory;
  memory.high_water = state.time;
  memory.boot_time = state.boottime;
  memory.boot_id = state.boot_id;
  memory.frozen = state.frozen;
  memory.waiting = state.waiting;
  memory.frozen_reason = state.reason;
  return memory;
}

ClockState FromMemory(const catalog::ClockMemory& memory) {
  ClockState state;
  state.time = memory.high_water;
  state.boottime = memory.boot_time;
  state.boot_id = memory.boot_id;
  state.frozen = memory.frozen;
  state.waiting = memory.waiting;
  state.reason = memory.frozen_reason;
  return state;
}

}  // namespace sealward::lifecycle
