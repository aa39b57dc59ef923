#include "hsm/log.h"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace sealward::hsm {
namespace {

void Log(const char* level, absl::string_view message) {
  const nlohmann::json line = {
      {"time", absl::FormatTime(absl::RFC3339_full, absl::Now(), absl::UTCTimeZone())},
      {"level", level},
      {"program", "sealward-hsm"},
      {"pid", getpid()},
      {"message", std::string(message)}};
  std::string text = line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  text.push_back('\n');
  // One write, so that lines of several processes do not mix. Where nobody
  // reads stderr any more there is nobody to tell.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

void LogInfo(absl::string_view message) { Log("info", message); }
void LogWarning(absl::string_view message) { Log("warning", message); }
void LogError(absl::string_view message) { Log("error", message); }

}  // namespace sealward::hsm
