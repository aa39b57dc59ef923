#include "client/cli/bundle/allowed.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "client/cli/key_text.h"

namespace sealward::client::cli::bundle {
namespace {

using nlohmann::json;

constexpr std::array<absl::string_view, 5> kLevels = {"debug", "info", "warning", "error", "fatal"};
constexpr absl::string_view kMetricPrefix = "sealward_";
constexpr size_t kMaxMetricNameBytes = 100;

template <typename Set>
bool Contains(const Set& set, absl::string_view word) {
  return std::ranges::find(set, word) != std::end(set);
}

// The text of a string member that `accept` takes; nothing else is looked at.
template <typename Accept>
void CopyText(const json& from, const char* key, const Accept& accept, json& to) {
  const auto found = from.find(key);
  if (found == from.end() || !found->is_string()) return;
  const auto& text = found->get_ref<const std::string&>();
  if (accept(text)) to[key] = text;
}

// Written anew from what was read, so that only a time can come out.
std::string TimeOnly(const std::string& text) {
  absl::Time time;
  std::string error;
  return absl::ParseTime(absl::RFC3339_full, text, &time, &error)
             ? absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone())
             : "";
}

json AllowedLine(const json& line) {
  json out;
  for (const char* key : {"ts", "time"}) {
    const auto found = line.find(key);
    if (found == line.end() || !found->is_string()) continue;
    if (const std::string time = TimeOnly(found->get<std::string>()); !time.empty()) {
      out["time"] = time;
    }
  }
  CopyText(line, "level", [](const auto& text) { return Contains(kLevels, text); }, out);
  CopyText(line, "event", [](const auto& text) { return Contains(KnownEvents(), text); }, out);
  for (const char* key : {"pid", "slot", "code"}) {
    const auto found = line.find(key);
    if (found != line.end() && found->is_number_integer()) {
      const auto number = found->get<int64_t>();
      if (number >= 0 && number <= INT32_MAX) out[key] = number;
    }
  }
  return out;
}

bool IsMetricName(absl::string_view name) {
  return absl::StartsWith(name, kMetricPrefix) && name.size() <= kMaxMetricNameBytes &&
         std::ranges::all_of(name, [](char c) { return std::islower(c) || c == '_'; });
}

std::string SortOf(absl::string_view resource) {
  if (resource.empty()) return "service";
  if (absl::StartsWith(resource, "partitions/")) return "partition";
  const std::vector<absl::string_view> parts = absl::StrSplit(resource, '/');
  if (parts.size() == 6 && parts[4] == "versions") return "version";
  if (parts.size() == 4 && parts[2] == "keys") return "key";
  return parts.size() == 2 && parts[0] == "tenants" ? "tenant" : "other";
}

}  // namespace

json AllowedLog(absl::string_view lines) {
  std::vector<absl::string_view> all = absl::StrSplit(lines, '\n', absl::SkipEmpty());
  json out = {{"lines", json::array()}, {"not_recognised", 0}};
  const size_t first = all.size() - std::min(all.size(), kMaxLogLines);
  int unknown = 0;
  for (size_t i = first; i < all.size(); ++i) {
    const json line =
        json::parse(all[i].begin(), all[i].end(), nullptr, /*allow_exceptions=*/false);
    json allowed = line.is_object() ? AllowedLine(line) : json();
    if (allowed.is_object() && allowed.contains("time") && allowed.contains("level")) {
      out["lines"].push_back(std::move(allowed));
    } else {
      ++unknown;
    }
  }
  out["not_recognised"] = unknown;
  out["older_lines_left_out"] = first;
  return out;
}

json AllowedMetrics(absl::string_view text) {
  std::map<std::string, double> sums;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const size_t end = line.find_first_of("{ ");
    const size_t value = line.rfind(' ');
    double number = 0;
    if (end == absl::string_view::npos || !IsMetricName(line.substr(0, end)) ||
        absl::EndsWith(line.substr(0, end), "_bucket") ||
        !absl::SimpleAtod(line.substr(value + 1), &number)) {
      continue;
    }
    sums[std::string(line.substr(0, end))] += number;
  }
  return sums;
}

json AllowedStatus(const v1::GetServiceStatusResponse& status) {
  const std::string& version = status.server_version();
  const bool plain = version.size() <= 20 && std::ranges::all_of(version, [](char c) {
                       return std::isdigit(static_cast<unsigned char>(c)) || c == '.';
                     });
  json out = {{"server_version", plain ? version : ""},
              {"started_unix_s", status.start_time().seconds()},
              {"store_revision", status.store_revision()},
              {"partitions", json::array()}};
  for (const v1::PartitionStatus& partition : status.partitions()) {
    json each = {{"pin_latched", partition.pin_latched()},
                 {"has_alarm", !partition.alarm().empty()},
                 {"exposed_to_server", !partition.exposure().empty()},
                 {"witness", v1::PartitionStatus::Witness_Name(partition.witness())},
                 {"algorithms", json::array()},
                 {"processes", json::array()}};
    for (const int algorithm : partition.algorithms()) {
      each["algorithms"].push_back(AlgorithmText(static_cast<v1::Algorithm>(algorithm)));
    }
    for (const v1::HsmProcessStatus& process : partition.processes()) {
      each["processes"].push_back({{"ready", process.ready()},
                                   {"restarts", process.restarts()},
                                   {"signatures", process.signatures()}});
    }
    out["partitions"].push_back(std::move(each));
  }
  return out;
}

json AllowedAlarms(const v1::ListAlarmsResponse& alarms) {
  json out = json::array();
  for (const v1::Alarm& alarm : alarms.alarms()) {
    const bool is_kind = std::ranges::all_of(
        alarm.kind(), [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
    out.push_back({{"kind", is_kind && alarm.kind().size() <= 64 ? alarm.kind() : ""},
                   {"severity", v1::Alarm::Severity_Name(alarm.severity())},
                   {"of", SortOf(alarm.resource())},
                   {"since_unix_s", alarm.since().seconds()}});
  }
  return out;
}

}  // namespace sealward::client::cli::bundle
