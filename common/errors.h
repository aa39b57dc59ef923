// absl::Status with the google.rpc details that every Sealward error carries.
//
// Inside, errors are absl::Status; details travel as payloads under their type
// URL, and the gRPC edge (server/api/status_conversion.h) turns both into a
// google.rpc.Status. A message names the resource, what was wrong and what to
// do about it. It never holds claim values, PINs or key bytes.
#ifndef SEALWARD_COMMON_ERRORS_H_
#define SEALWARD_COMMON_ERRORS_H_

#include <span>
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
inline constexpr absl::string_view kQuotaFailureUrl = "type.googleapis.com/google.rpc.QuotaFailure";
inline constexpr absl::string_view kBadRequestUrl = "type.googleapis.com/google.rpc.BadRequest";

// A status with google.rpc.ErrorInfo{reason, domain "sealward.dev"}. `reason` is
// UPPER_SNAKE_CASE and documented beside the RPC that returns it.
absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message);

// As MakeError, with an entry of ErrorInfo.metadata.
absl::Status MakeErrorAbout(absl::StatusCode code, absl::string_view reason,
                            absl::string_view message, absl::string_view metadata_key,
                            absl::string_view metadata_value);

// As MakeError, with google.rpc.RetryInfo: the caller may try again after
// `retry_delay`.
absl::Status MakeRetryableError(absl::StatusCode code, absl::string_view reason,
                                absl::string_view message, absl::Duration retry_delay);

// QuotaViolation is one line of google.rpc.QuotaFailure.
struct QuotaViolation {
  std::string subject;      // whose quota: a resource name
  std::string description;  // which quota, for people
};

// RESOURCE_EXHAUSTED with google.rpc.QuotaFailure too: `retry_delay` is when the
// quotas have room again.
absl::Status MakeQuotaError(absl::string_view reason, absl::string_view message,
                            std::span<const QuotaViolation> violations, absl::Duration retry_delay);

// FieldViolation is one line of google.rpc.BadRequest.
struct FieldViolation {
  std::string field;        // for example "rotation_policy.rotation_period"
  std::string description;  // "RULE: what is wrong and what would do"
};

// As MakeError, with google.rpc.BadRequest: what each field breaks.
absl::Status MakeFieldError(absl::StatusCode code, absl::string_view reason,
                            absl::string_view message, std::span<const FieldViolation> violations);

// ErrorInfo.reason of `status`, or empty.
std::string ErrorReason(const absl::Status& status);

// ErrorInfo.metadata[key] of `status`, or empty.
std::string ErrorMetadata(const absl::Status& status, absl::string_view key);

// RetryInfo.retry_delay of `status`, or zero where there is none.
absl::Duration RetryDelay(const absl::Status& status);

}  // namespace sealward

#endif  // SEALWARD_COMMON_ERRORS_H_
