// What a debug bundle may hold. Everything here takes an input that may hold anything and
// gives JSON in which nothing stands but what is listed in the code: fixed names, numbers,
// times, words of fixed sets. What is not recognised is counted, never copied.
#ifndef SEALWARD_CLIENT_CLI_BUNDLE_ALLOWED_H_
#define SEALWARD_CLIENT_CLI_BUNDLE_ALLOWED_H_

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <span>

#include "absl/strings/string_view.h"
#include "sealward/v1/operations_service.pb.h"
#include "sealward/v1/status_service.pb.h"

namespace sealward::client::cli::bundle {

// Of a log its last lines, at most so many.
inline constexpr size_t kMaxLogLines = 2000;

// server.toml: environment, log level, numbers and switches as they are; of every other
// known key whether it is set, and how many values it has; how many keys are not known.
// {"error": …} with the line for what is no TOML.
nlohmann::json AllowedConfig(absl::string_view toml);

// The server's or sealward-hsm's log: of each line in JSON its time, level, event (if it is
// one of KnownEvents) and pid, slot, code; how many other lines there are.
nlohmann::json AllowedLog(absl::string_view lines);

// /metrics in Prometheus' text form: for each name of ours the sum over its labels.
nlohmann::json AllowedMetrics(absl::string_view text);

// Whether partitions and processes are well, without names and texts.
nlohmann::json AllowedStatus(const v1::GetServiceStatusResponse& status);

// Kind, severity, age and what sort of resource; not whose.
nlohmann::json AllowedAlarms(const v1::ListAlarmsResponse& alarms);

// The events of the server's log lines (tests/unit/docs compares them with the source).
std::span<const absl::string_view> KnownEvents();

}  // namespace sealward::client::cli::bundle

#endif  // SEALWARD_CLIENT_CLI_BUNDLE_ALLOWED_H_
