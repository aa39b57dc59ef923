// Waits that are not a policy's: what a plan allows for clocks, drivers and second thoughts.
#ifndef SEALWARD_SERVER_LIFECYCLE_MARGINS_H_
#define SEALWARD_SERVER_LIFECYCLE_MARGINS_H_

#include "absl/time/time.h"

namespace sealward::lifecycle {

// Skew between our clock and a validator's that no JWT may be refused for
// (INTEROP: at least 60 s), and a margin for requests already under way.
inline constexpr absl::Duration kClockSkew = absl::Seconds(60);
inline constexpr absl::Duration kRetireSafety = absl::Seconds(30);
// A switch that the hard end of signing forces comes this much earlier, so that a
// driver that is a little late leaves no gap.
inline constexpr absl::Duration kSwitchLead = absl::Minutes(1);
// What a rotation may take beyond propagation_time: generating, a late driver.
inline constexpr absl::Duration kPlanSlack = absl::Minutes(1);
// The shortest time in which a scheduled destruction can be taken back.
inline constexpr absl::Duration kLeastRecoveryWindow = absl::Hours(1);
// From a purge to the destruction, where the HSM's own least window is not longer.
inline constexpr absl::Duration kPurgeWindow = absl::Hours(7 * 24);
// How far beyond the HSM's own least window a destruction is put off that an outage, or
// the HSM's clock, has brought too near; an eighth of that window where it is more.
inline constexpr absl::Duration kWindowMargin = absl::Minutes(1);
// When a destruction is tried again for which it is too early by the HSM's clock.
inline constexpr absl::Duration kWindowRetryDelay = absl::Minutes(1);
// All of these, in development with [development] short_margins.
inline constexpr absl::Duration kDevelopmentMargin = absl::Seconds(1);

// Margins is one set of them. Every server has the default one; the other is for tests
// that live through a key's whole life in seconds, on one machine with one clock, and
// the configuration refuses it in production.
struct Margins {
  absl::Duration clock_skew = kClockSkew;
  absl::Duration retire_safety = kRetireSafety;
  absl::Duration switch_lead = kSwitchLead;
  absl::Duration plan_slack = kPlanSlack;
  absl::Duration least_recovery_window = kLeastRecoveryWindow;
  absl::Duration purge_window = kPurgeWindow;
  absl::Duration window_margin = kWindowMargin;
  absl::Duration window_retry_delay = kWindowRetryDelay;
  bool operator==(const Margins&) const = default;

  static Margins ForDevelopment() {
    constexpr absl::Duration kAll = kDevelopmentMargin;
    return {kAll, kAll, kAll, kAll, kAll, kAll, kAll, kAll};
  }
};

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_MARGINS_H_
