#include "server/telemetry/logging.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/time/clock.h"

namespace sealward::telemetry {
namespace {

using Json = nlohmann::ordered_json;

struct LevelRow {
  Level level;
  absl::string_view name;
  spdlog::level::level_enum spdlog_level;
};
constexpr std::array kLevels = {
    LevelRow{Level::kDebug, "debug", spdlog::level::debug},
    LevelRow{Level::kInfo, "info", spdlog::level::info},
    LevelRow{Level::kWarning, "warning", spdlog::level::warn},
    LevelRow{Level::kError, "error", spdlog::level::err},
};

const LevelRow& RowOf(Level level) { return kLevels.at(static_cast<size_t>(level)); }

Json ToJson(const LogValue& value) {
  return std::visit(
      [](const auto& held) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(held)>, absl::string_view>) {
          return std::string(held.substr(0, kMaxLogValueBytes));
        } else {
          return held;
        }
      },
      value.get());
}

// The line is made by FormatLogLine: spdlog's own JSON pattern does not escape
// quotes. Never destroyed, since threads may log until the process ends.
spdlog::logger& Logger() {
  static spdlog::logger* const logger = [] {
    auto* made = new spdlog::logger("sealward", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::info);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

}  // namespace

absl::string_view LevelName(Level level) { return RowOf(level).name; }

std::optional<Level> ParseLevel(absl::string_view name) {
  for (const LevelRow& row : kLevels) {
    if (row.name == name) return row.level;
  }
  return std::nullopt;
}

std::string FormatLogLine(absl::Time time, Level level, absl::string_view event, LogFields fields) {
  Json line = Json::object();
  line["ts"] = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
  line["level"] = std::string(LevelName(level));
  line["event"] = std::string(event);
  for (const LogField& field : fields) line.emplace(std::string(field.key), ToJson(field.value));
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void SetLogLevel(Level level) { Logger().set_level(RowOf(level).spdlog_level); }

void Log(Level level, absl::string_view event, LogFields fields) {
  const auto spdlog_level = RowOf(level).spdlog_level;
  if (!Logger().should_log(spdlog_level)) return;
  const std::string line = FormatLogLine(absl::Now(), level, event, fields);
  Logger().log(spdlog_level, spdlog::string_view_t(line.data(), line.size()));
}

void LogRecord(absl::Time time, Level level, absl::string_view event, LogFields fields) {
  const std::string line = FormatLogLine(time, level, event, fields);
  // Above every level that SetLogLevel knows.
  Logger().log(spdlog::level::critical, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace sealward::telemetry
