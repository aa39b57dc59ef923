// Durations as people write them on a command line.
#ifndef SEALWARD_CLIENT_CLI_DURATION_H_
#define SEALWARD_CLIENT_CLI_DURATION_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace sealward::client::cli {

// Parses "300s", "20m", "1h", "1h30m", "2d", "1.5s" or "250ms": positive numbers
// with a unit; or ISO 8601 (common/iso_duration.h): "P30D", "PT1H30M". At most
// kLongestDuration. INVALID_ARGUMENT (USAGE) naming `flag` otherwise; a bare number
// has no unit and is refused.
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view flag, absl::string_view text);

// The same, and "0" or "0s" for none.
absl::StatusOr<absl::Duration> ParseDurationOrZero(absl::string_view flag, absl::string_view text);

// "1h30m", "300ms"; "0" for none.
std::string DurationText(absl::Duration duration);

google::protobuf::Duration ToProto(absl::Duration duration);
absl::Duration FromProto(const google::protobuf::Duration& duration);
absl::Time FromProto(const google::protobuf::Timestamp& time);

// RFC 3339 in UTC to the second; "-" for one that is not set.
std::string FormatTime(bool set, const google::protobuf::Timestamp& time);

}  // namespace sealward::client::cli

#endif  // SEALWARD_CLIENT_CLI_DURATION_H_
