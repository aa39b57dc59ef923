#include "server/app/hsm_events.h"

#include <algorithm>
#include <array>

#include "server/telemetry/logging.h"

namespace sealward::app {
namespace {

using hsm_client::PartitionEvent;
using telemetry::Level;

// How an event is told. An alarm is empty where nothing is wrong.
struct Telling {
  PartitionEvent::Kind kind;
  Level level;
  absl::string_view event;
  absl::string_view alarm;
};

constexpr std::array kTellings = {
    Telling{PartitionEvent::Kind::kStarted, Level::kInfo, "hsm_process_started", ""},
    Telling{PartitionEvent::Kind::kReady, Level::kInfo, "hsm_process_ready", ""},
    Telling{PartitionEvent::Kind::kEnded, Level::kWarning, "hsm_process_ended",
            "hsm_process_ended"},
    Telling{PartitionEvent::Kind::kStopped, Level::kInfo, "hsm_process_stopped", ""},
    Telling{PartitionEvent::Kind::kRetired, Level::kInfo, "hsm_process_retired", ""},
    Telling{PartitionEvent::Kind::kWedged, Level::kError, "hsm_process_wedged",
            "hsm_process_wedged"},
    Telling{PartitionEvent::Kind::kStartFailed, Level::kError, "hsm_process_start_failed",
            "hsm_process_start_failed"},
    Telling{PartitionEvent::Kind::kSlowStart, Level::kError, "hsm_process_slow_start",
            "hsm_process_slow_start"},
    Telling{PartitionEvent::Kind::kBreakerOpened, Level::kError, "hsm_breaker_opened",
            "hsm_breaker_opened"},
    Telling{PartitionEvent::Kind::kBreakerClosed, Level::kInfo, "hsm_breaker_closed", ""},
    Telling{PartitionEvent::Kind::kAlarm, Level::kError, "hsm_partition_alarm",
            "hsm_partition_alarm"},
};

}  // namespace

void RecordHsmEvent(absl::string_view partition, const PartitionEvent& event,
                    telemetry::Metrics& metrics) {
  const auto* telling = std::ranges::find(kTellings, event.kind, &Telling::kind);
  telemetry::Log(telling->level, telling->event,
                 {{"partition", partition},
                  {"slot", event.slot},
                  {"pid", event.pid},
                  {"detail", event.detail}});
  if (!telling->alarm.empty()) metrics.CountAlarm(telling->alarm);
  if (event.kind == PartitionEvent::Kind::kEnded) metrics.CountHsmRestart(partition);
  if (event.kind == PartitionEvent::Kind::kBreakerOpened) metrics.CountHsmBreakerOpen(partition);
}

void UpdateHsmGauges(absl::string_view name, const hsm_client::ProcessPartition& partition,
                     telemetry::Metrics& metrics) {
  const hsm_client::PartitionStatus status = partition.Status();
  metrics.SetHsmProcessesReady(
      name, std::ranges::count_if(status.processes, &hsm_client::ProcessStatus::ready));
  metrics.SetHsmBreakerOpen(name, status.breaker != hsm_client::BreakerState::kClosed);
  metrics.SetHsmPinLatched(name, status.pin_latched);
  metrics.SetHsmQueueDepth(name, static_cast<int64_t>(partition.QueueDepth()));
}

}  // namespace sealward::app
