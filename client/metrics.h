// What the client library tells whoever measures it.
#ifndef SEALWARD_CLIENT_METRICS_H_
#define SEALWARD_CLIENT_METRICS_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sealward::client {

// CallEvent is one call of a Signer that has ended: attempts and pauses together.
struct CallEvent {
  absl::string_view method;  // the RPC: "SignJwt", "BatchSignRaw", …; a literal
  absl::StatusCode code;     // how the call ended; OK for a batch that was answered
  absl::string_view reason;  // google.rpc.ErrorInfo.reason; empty for none
  int attempts;              // RPCs sent; 0 without room, or after the deadline
  absl::Duration duration;   // from its start, or from when it got room
  size_t requests;           // 1, or the size of the batch
  size_t failed;             // of those: the ones that ended with an error
};

// RetryEvent is one attempt that ended with an error that a further one may cure.
struct RetryEvent {
  absl::string_view method;
  absl::StatusCode code;
  absl::string_view reason;
  int attempt;           // 1 for the first
  size_t requests;       // that are to be sent again
  bool refused;          // the RetryBudget was empty: not sent again
  absl::Duration pause;  // until the next attempt; zero where refused
};

// BatchEvent is a batch that leaves a BatchingSigner.
struct BatchEvent {
  size_t requests;
  absl::Duration longest_wait;  // of its oldest request, in the queue
  size_t queue_depth;           // requests that go on waiting
  size_t under_way;             // batches, with this one
};

// BatchedRequestEvent is one request of a BatchingSigner that has been answered.
struct BatchedRequestEvent {
  absl::StatusCode code;
  absl::string_view reason;
  absl::Duration duration;  // in the queue and under way
};

// ConnectionState is gRPC's, less the end.
enum class ConnectionState {
  kIdle,        // nothing is open: not used yet, idle for long, or the server said goodbye
  kConnecting,  // TCP and TLS
  kReady,       // open; each one is a connect or a reconnect
  kFailed,      // could not be opened; tried again after a pause
};

// Metrics is the hook. Everything does nothing unless overridden, and where no
// Metrics is given nothing is computed either.
//
// Threads: called from threads of gRPC, of the library and of the caller, several
// at a time, without a lock held: implementations are thread-safe. They must not
// block and must not call the library. Views are valid during the call only.
//
// Cardinality: method, code and reason come from small fixed sets (names of RPCs,
// codes of gRPC, reasons that the API documents), which suits labels. An adapter
// for prometheus-cpp is a few lines:
//
//   class Prometheus : public sealward::client::Metrics {
//     void OnCall(const CallEvent& call) override {
//       durations_.Add({{"method", std::string(call.method)},
//                       {"code", absl::StatusCodeToString(call.code)},
//                       {"reason", std::string(call.reason)}}, kBuckets)
//           .Observe(absl::ToDoubleSeconds(call.duration));
//     }
//   };
class Metrics {
 public:
  virtual ~Metrics() = default;

  virtual void OnCall(const CallEvent& /*call*/) {}
  virtual void OnRetry(const RetryEvent& /*retry*/) {}
  virtual void OnBatch(const BatchEvent& /*batch*/) {}
  virtual void OnBatchedRequest(const BatchedRequestEvent& /*request*/) {}
  // The connection is in another state than it was. One that lasted for less than
  // about a millisecond may be left out.
  virtual void OnConnection(ConnectionState /*state*/) {}
  // Certificate files were looked at and were not what they had been the last time.
  // OK: the next handshake takes them. Otherwise the last good ones stay, and this
  // names the file and what is wrong; told once for each new fault.
  virtual void OnCertificates(const absl::Status& /*status*/) {}
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_METRICS_H_
