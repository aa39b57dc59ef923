// The rules of lifecycle time, as pure functions of what the system's clocks read.
#ifndef SEALWARD_SERVER_LIFECYCLE_CLOCK_RULES_H_
#define SEALWARD_SERVER_LIFECYCLE_CLOCK_RULES_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sealward::lifecycle {

// How far CLOCK_REALTIME may be from what CLOCK_BOOTTIME says it should be; beyond,
// somebody set it, and a person has to say whether that was right.
inline constexpr absl::Duration kClockStepLimit = absl::Minutes(5);
// The longest downtime that is believed after a boot, where CLOCK_BOOTTIME says
// nothing. After a longer one a person says what time it is.
inline constexpr absl::Duration kLongestDowntime = absl::Hours(7 * 24);
// Smaller differences are made up for slowly: where CLOCK_REALTIME is ahead, lifecycle
// time passes 1% faster, so that no wait for a cache is ever shorter by more than that;
// where it is behind, half as fast.
inline constexpr double kFasterBy = 0.01;
inline constexpr double kSlowerBy = 0.5;

// ClockReading is what the system's clocks read at one moment.
struct ClockReading {
  absl::Time realtime;        // CLOCK_REALTIME: can be set, is what JWTs live by
  absl::Duration boottime;    // CLOCK_BOOTTIME: cannot be set; since the boot
  absl::string_view boot_id;  // the kernel's, of this boot
};

// ClockState is lifecycle time and what it is advanced from.
struct ClockState {
  // How far time has run, by CLOCK_BOOTTIME even while lifecycle time stands still;
  // InfinitePast before the first reading.
  absl::Time time = absl::InfinitePast();
  absl::Duration boottime;  // of the reading that `time` belongs to
  std::string boot_id;
  // The lifecycle time that stands still; InfiniteFuture while it runs.
  absl::Time frozen = absl::InfiniteFuture();
  // It stands still although a person has confirmed the system's clock: that is behind
  // it, and lifecycle time goes on once it is reached.
  bool waiting = false;
  std::string reason;  // why it stands still, for people
  bool operator==(const ClockState&) const = default;
};

// Whether lifecycle time stands still.
bool IsFrozen(const ClockState& state);

// Lifecycle time.
absl::Time LifecycleTime(const ClockState& state);

// The state after `reading`. Lifecycle time never goes back, and within one boot it
// passes at most kFasterBy faster than CLOCK_BOOTTIME. It is frozen
//   within a boot     where the two clocks part by more than kClockStepLimit;
//   after a boot      where CLOCK_REALTIME went back by more than kClockStepLimit, or
//                     ahead by more than kLongestDowntime;
// and only Confirm ends that. The very first reading is believed. A boottime below the
// last one (a container that was moved) counts as a boot.
ClockState Observe(const ClockState& state, const ClockReading& reading);

// The state once a person has confirmed that `reading` is right: lifecycle time goes
// on from it, or waits for it where it is behind. REQUIRES: IsFrozen.
ClockState Confirm(const ClockState& state, const ClockReading& reading);

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_CLOCK_RULES_H_
