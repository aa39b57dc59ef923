// What will happen to a key, and when, if nobody intervenes: a rehearsal of plan.h.
// Pure.
#ifndef SEALWARD_SERVER_LIFECYCLE_FORECAST_H_
#define SEALWARD_SERVER_LIFECYCLE_FORECAST_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "server/lifecycle/course.h"

namespace sealward::lifecycle {

// Most events of one forecast, and furthest look ahead.
inline constexpr size_t kMaxForecastEvents = 200;
inline constexpr absl::Duration kLongestHorizon = absl::Hours(24 * 3650);

// ForecastEvent is one version that enters a state.
struct ForecastEvent {
  absl::Time time;
  size_t version = 0;  // index; may be beyond those that exist now
  State state = State::kPending;
  // Of one that begins to sign: what signed until then.
  std::optional<size_t> takes_over_from;
};

// Forecast is the events in the order of time, and of numbers within a time.
struct Forecast {
  std::vector<ForecastEvent> events;
  bool truncated = false;  // there were more than kMaxForecastEvents
  // A successor is due and the issuer's JWKS has no room for it.
  bool no_room = false;
  std::vector<VersionTimes> versions;  // as they are at the end
};

// What happens after `now` and until `until`, and what is due already and happens at
// once. The HSM answers at once and no JWKS but this key's changes.
Forecast ForecastKey(KeyCourse course, absl::Time now, absl::Time until);

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_FORECAST_H_
