// Structured logs: one JSON object a line, on standard error.
#ifndef SEALWARD_SERVER_TELEMETRY_LOGGING_H_
#define SEALWARD_SERVER_TELEMETRY_LOGGING_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sealward::telemetry {

// Longest text value; the rest is cut off.
inline constexpr size_t kMaxLogValueBytes = 4096;

enum class Level { kDebug, kInfo, kWarning, kError };

// "debug", "info", "warning" or "error", as in server.toml and in the field level.
absl::string_view LevelName(Level level);
std::optional<Level> ParseLevel(absl::string_view name);

// LogValue is what a field can hold. Claims, JWTs, PINs and key bytes never go
// into a log; a kid or a resource name does.
class LogValue {
 public:
  LogValue(bool value) : value_(value) {}  // NOLINT(google-explicit-constructor): for lists
  template <std::integral T>
  LogValue(T value) : value_(static_cast<int64_t>(value)) {}                // NOLINT: as above
  LogValue(double value) : value_(value) {}                                 // NOLINT: as above
  LogValue(const char* value) : value_(absl::string_view(value)) {}         // NOLINT: as above
  LogValue(absl::string_view value) : value_(value) {}                      // NOLINT: as above
  LogValue(const std::string& value) : value_(absl::string_view(value)) {}  // NOLINT: as above

  using Variant = std::variant<bool, int64_t, double, absl::string_view>;
  const Variant& get() const { return value_; }

 private:
  Variant value_;
};

// LogField is a key with its value. A key that the line has already is dropped.
struct LogField {
  absl::string_view key;
  LogValue value;
};
using LogFields = std::initializer_list<LogField>;

// The line, without its end: {"ts":…,"level":…,"event":…, fields…}. `ts` is RFC
// 3339 in UTC with milliseconds. Text that is no UTF-8 gets U+FFFD in its place.
// Never throws for what it is given.
std::string FormatLogLine(absl::Time time, Level level, absl::string_view event, LogFields fields);

// Drops what is below `level` from now on; kInfo until it is called. Any thread.
void SetLogLevel(Level level);

// Writes a line. `event` says in snake_case what happened and is the same in
// every line of the kind: "hsm_process_started". Any thread; may wait for
// standard error, so nothing is logged for each signature.
void Log(Level level, absl::string_view event, LogFields fields = {});

// Writes a line whatever the level is, as of `time`: for records that nobody may
// switch off. Any thread; may wait for standard error.
void LogRecord(absl::Time time, Level level, absl::string_view event, LogFields fields);

}  // namespace sealward::telemetry

#endif  // SEALWARD_SERVER_TELEMETRY_LOGGING_H_
