// absl::Status with the google.rpc details that every Sealward error carries.
//
// Inside, errors are absl::Status; details travel as payloads under their type
// URL, and the gRPC edge (server/api/status_conversion.h) turns both into a
// google.rpc.Status. A message names the resource, what was wrong and what to
// do about it. It never holds claim values, PINs or key bytes.
#ifndef SEALWARD_COMMON_ERRORS_H_
#define SEALWARD_COMMON_ERRORS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sealward {

// ErrorInfo.domain of every error.
inline constexpr absl::string_view kErrorDomain = "sealward.dev";

// Payload keys.
inline constexpr absl::string_view kErrorInfoUrl = "type.googleapis.com/google.rpc.ErrorInfo";
inline constexpr absl::string_view kRetryInfoUrl = "type.googleapis.com/google.rpc.RetryInfo";

// A status with google.rpc.ErrorInfo{reason, domain "sealward.dev"}. `reason` is
// UPPER_SNAKE_CASE and documented beside the RPC that returns it.
absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message);

// As MakeError, with google.rpc.RetryInfo: the caller may try again after
// `retry_delay`.
absl::Status MakeRetryableError(absl::StatusCode code, absl::string_view reason,
                                absl::string_view message, absl::Duration retry_delay);

// ErrorInfo.reason of `status`, or empty.
std::string ErrorReason(const absl::Status& status);

// RetryInfo.retry_delay of `status`, or zero where there is none.
absl::Duration RetryDelay(const absl::Status& status);

}  // namespace sealward

#endif  // SEALWARD_COMMON_ERRORS_H_
