// What is kept of a decision: who asked for what, from where, and what came of it.
#ifndef SEALWARD_SERVER_DECISIONS_RECORD_H_
#define SEALWARD_SERVER_DECISIONS_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sealward::decisions {

// Longest resource name of a record, before escaping; the rest is cut off. Ours
// are shorter than half of it.
inline constexpr size_t kMaxRecordedName = 512;

// Outcome says whose doing it was that a call ended as it did.
enum class Outcome {
  kAllowed,  // it was done
  kDenied,   // a rule said no: role, scope, quota, approval, form of the request
  kFailed,   // no rule was against it, and yet it was not done
};

// The outcome of a call that ended with `code`.
Outcome OutcomeOf(absl::StatusCode code);
// "allowed", "denied" or "failed".
absl::string_view OutcomeName(Outcome outcome);

// DecisionRecord is one administrative act or one refusal. No claim value, JWT,
// PIN or key byte ever stands in it: texts are constants of ours, and names
// passed through RecordedName.
//
// The views need to live until DecisionSink::Record returns.
struct DecisionRecord {
  absl::Time time;  // UTC
  Outcome outcome = Outcome::kFailed;
  absl::StatusCode code = absl::StatusCode::kUnknown;
  absl::string_view principal;    // empty where the caller has none
  absl::string_view peer;         // "ipv4:192.0.2.1:4711", as gRPC writes it
  absl::string_view certificate;  // SHA-256 of the DER, hexadecimal; empty if there is none
  absl::string_view verb;         // auth::VerbName, or empty where it did not come to that
  absl::string_view resource;     // RecordedName of what was asked for
  absl::string_view reason;       // auth::Decision.reason, or an ErrorReason
  absl::string_view request_id;
  int64_t count = 1;  // equal decisions that this record stands for; time, peer and
                      // request_id are the last one's
};

// `name` as a record has it: cut to kMaxRecordedName and with C escapes for
// everything but printable ASCII. A part that is too long to be one of a name is
// left out: it may be anything that a caller put into the wrong field.
std::string RecordedName(absl::string_view name);

// DecisionSink takes records. Thread-safe.
class DecisionSink {
 public:
  virtual ~DecisionSink() = default;
  // Keeps `record`. Called on gRPC's threads: it may wait for a write to a local
  // file, never for the network.
  virtual void Record(const DecisionRecord& record) = 0;
};

}  // namespace sealward::decisions

#endif  // SEALWARD_SERVER_DECISIONS_RECORD_H_
