// Time is injected: nothing but SystemClock reads a clock.
#ifndef SEALWARD_COMMON_CLOCK_H_
#define SEALWARD_COMMON_CLOCK_H_

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace sealward {

// Clock tells the time of day. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
};

// SystemClock is CLOCK_REALTIME.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
};

}  // namespace sealward

#endif  // SEALWARD_COMMON_CLOCK_H_
