#include "server/lifecycle/driver_report.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "server/lifecycle/state.h"
#include "server/telemetry/logging.h"

namespace sealward::lifecycle {
namespace {

using telemetry::Level;
using telemetry::Log;

constexpr size_t kStateCount = static_cast<size_t>(State::kDestroyed) + 1;

}  // namespace

void TellReport(absl::string_view partition, const ReconcileReport& report,
                telemetry::Metrics& metrics) {
  Log(Level::kInfo, "hsm_reconciled",
      {{"partition", partition},
       {"objects", report.objects},
       {"unknown", report.unknown.size()},
       {"unattributable", report.unattributable},
       {"missing", report.missing.size()},
       {"mismatched", report.mismatched.size()}});
  for (const std::string& id : report.unknown) {
    Log(Level::kWarning, "hsm_object_unknown", {{"object_id", id}});
  }
  for (const std::string& version : report.missing) {
    Log(Level::kError, "hsm_object_missing", {{"version", version}});
  }
  for (const std::string& version : report.mismatched) {
    Log(Level::kError, "hsm_object_mismatch", {{"version", version}});
  }
  if (!report.unknown.empty()) metrics.CountAlarm("hsm_object_unknown");
  if (!report.missing.empty()) metrics.CountAlarm("hsm_object_missing");
  if (!report.mismatched.empty()) metrics.CountAlarm("hsm_object_mismatch");
}

void CountVersions(const catalog::Snapshot& snapshot, absl::Time now, telemetry::Metrics& metrics) {
  std::array<int64_t, kStateCount> counts{};
  for (const auto& [name, key] : snapshot.keys) {
    for (const auto& version : key->versions) {
      ++counts[static_cast<size_t>(StateAt(version->times, now))];
    }
  }
  for (size_t i = 0; i < counts.size(); ++i) {
    metrics.SetKeyVersions(StateName(static_cast<State>(i)), counts[i]);
  }
}

}  // namespace sealward::lifecycle
