#include "client/cli/duration.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/cli/exit_code.h"
#include "common/iso_duration.h"

namespace sealward::client::cli {
namespace {

// absl has no days: "2d" and "2d12h" are split off here.
bool TakeDays(absl::string_view& text, absl::Duration& days) {
  const size_t at = text.find('d');
  if (at == absl::string_view::npos) return true;
  int count = 0;
  if (!absl::SimpleAtoi(text.substr(0, at), &count) || count < 0 || count > 3660) return false;
  days = absl::Hours(24) * count;
  text.remove_prefix(at + 1);
  return true;
}

}  // namespace

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view flag, absl::string_view text) {
  if (LooksLikeIsoDuration(text)) {
    auto duration = ParseIsoDuration(text);
    if (duration.ok()) return duration;
    return UsageError(absl::StrCat(flag, ": ", duration.status().message()));
  }
  absl::string_view rest = text;
  absl::Duration days;
  absl::Duration time;
  const bool unsigned_text = text.find_first_of("+-") == absl::string_view::npos;
  if (!unsigned_text || !TakeDays(rest, days) ||
      (!rest.empty() && !absl::ParseDuration(rest, &time)) || days + time <= absl::ZeroDuration() ||
      days + time > kLongestDuration) {
    return UsageError(absl::StrCat(flag, ": \"", text,
                                   "\" is not a duration; write a number with a unit, for example "
                                   "300s, 20m, 1h30m or 2d, or ISO 8601: P30D, PT1H30M"));
  }
  return days + time;
}

absl::StatusOr<absl::Duration> ParseDurationOrZero(absl::string_view flag, absl::string_view text) {
  if (text == "0" || text == "0s") return absl::ZeroDuration();
  return ParseDuration(flag, text);
}

std::string DurationText(absl::Duration duration) { return absl::FormatDuration(duration); }

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  absl::Duration rest;
  proto.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &rest));
  proto.set_nanos(static_cast<int>(absl::ToInt64Nanoseconds(rest)));
  return proto;
}

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

std::string FormatTime(bool set, const google::protobuf::Timestamp& time) {
  if (!set) return "-";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", FromProto(time), absl::UTCTimeZone());
}

}  // namespace sealward::client::cli
