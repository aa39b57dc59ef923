// Decision records in the log, until the issuance log is their home.
#ifndef SEALWARD_SERVER_DECISIONS_LOG_SINK_H_
#define SEALWARD_SERVER_DECISIONS_LOG_SINK_H_

#include "server/decisions/record.h"

namespace sealward::decisions {

// LogSink writes each record as one line of the log with the event "decision":
//
//   {"ts":…,"level":"warning","event":"decision","outcome":"denied",
//    "code":"PERMISSION_DENIED","verb":"keys.rotate","resource":"tenants/a/keys/b",
//    "principal":"spiffe://…","peer":"ipv4:…","certificate":"…","reason":"…",
//    "request_id":"…","count":1}
//
// "info" for what was allowed, "warning" for the rest; log.level does not drop
// them. Thread-safe.
class LogSink final : public DecisionSink {
 public:
  void Record(const DecisionRecord& record) override;
};

}  // namespace sealward::decisions

#endif  // SEALWARD_SERVER_DECISIONS_LOG_SINK_H_
