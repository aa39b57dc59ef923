#include "client/retry.h"

#include <algorithm>

#include "common/errors.h"

namespace sealward::client {

bool IsRetryable(const absl::Status& error) {
  if (absl::IsUnavailable(error)) return true;
  return absl::IsResourceExhausted(error) && error.GetPayload(kRetryInfoUrl).has_value();
}

std::optional<absl::Duration> NextPause(const RetryPolicy& policy, const absl::Status& error,
                                        int attempts, absl::Duration time_left, double random) {
  if (!IsRetryable(error) || attempts >= policy.max_attempts) return std::nullopt;
  absl::Duration pause = policy.first_pause;
  for (int i = 1; i < attempts && pause < policy.longest_pause; ++i) pause *= 2;
  pause = std::min(pause, policy.longest_pause) * (0.5 + random / 2);
  const absl::Duration asked = RetryDelay(error);
  if (asked > absl::ZeroDuration()) {
    pause = std::max(pause, asked * (1 + kRetryInfoJitter * random));
    // The jitter alone is no reason to give up.
    if (asked < time_left && pause >= time_left) pause = asked;
  }
  if (pause >= time_left) return std::nullopt;
  return pause;
}

}  // namespace sealward::client
