#include "server/decisions/log_sink.h"

#include "server/telemetry/logging.h"

namespace sealward::decisions {

void LogSink::Record(const DecisionRecord& record) {
  using telemetry::Level;
  telemetry::LogRecord(
      record.time, record.outcome == Outcome::kAllowed ? Level::kInfo : Level::kWarning, "decision",
      {{"outcome", OutcomeName(record.outcome)},
       {"code", absl::StatusCodeToString(record.code)},
       {"verb", record.verb},
       {"resource", record.resource},
       {"principal", record.principal},
       {"peer", record.peer},
       {"certificate", record.certificate},
       {"reason", record.reason},
       {"request_id", record.request_id},
       {"count", record.count}});
}

}  // namespace sealward::decisions
