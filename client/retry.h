// When to ask again: a pure decision.
#ifndef SEALWARD_CLIENT_RETRY_H_
#define SEALWARD_CLIENT_RETRY_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace sealward::client {

// RetryPolicy bounds the retries of one call.
struct RetryPolicy {
  int max_attempts = 4;  // the first one included; 1 means never again
  absl::Duration first_pause = absl::Milliseconds(50);  // doubles with each attempt
  absl::Duration longest_pause = absl::Seconds(2);
};

// How much longer than RetryInfo asks for a client waits at most, as a share of
// it: clients that failed together do not come back together.
inline constexpr double kRetryInfoJitter = 0.25;

// Whether the same request may succeed later: UNAVAILABLE, and
// RESOURCE_EXHAUSTED where the server says when (gRPC uses that code for
// messages that are too large as well, which stay too large).
bool IsRetryable(const absl::Status& error);

// How long to wait after `attempts` attempts of which the last ended with
// `error`; nullopt to give up: not retryable, no attempt left, or no time: the
// pause does not fit into `time_left`. Never shorter than the server's
// RetryInfo. Without one, between half the pause and all of it. `random` is in
// [0, 1) and spreads the clients.
std::optional<absl::Duration> NextPause(const RetryPolicy& policy, const absl::Status& error,
                                        int attempts, absl::Duration time_left, double random);

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_RETRY_H_
