// How much may be asked again: what keeps retries from being the overload.
#ifndef SEALWARD_CLIENT_RETRY_BUDGET_H_
#define SEALWARD_CLIENT_RETRY_BUDGET_H_

#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace sealward::client {

// RetryBudgetLimits: over any time, at most `most_tokens` requests are sent again,
// and `per_success` more for each that succeeded.
struct RetryBudgetLimits {
  double most_tokens = 1000;  // a restart of a signing process costs some 32
  double per_success = 0.1;   // so a failing server gets at most 1.1 times its load
};

// RetryBudget is the bucket of tokens that all calls of a Signer share (the idea of
// gRPC's proposal A6). A request that is sent again takes one; a batch takes one for
// each of its requests that failed. Once the bucket is empty, errors go to the
// caller at once, with the server's RetryInfo.
//
// What no server answered (CONNECTION_FAILED) takes none: it is no load, and the
// Connection spaces out its attempts to connect; with a price on it, a restart of
// the server of a second would use up the budget. Thread-safe.
class RetryBudget {
 public:
  explicit RetryBudget(const RetryBudgetLimits& limits);

  // Whether `requests` that ended with `error` may be sent again; takes their tokens.
  bool Take(size_t requests, const absl::Status& error);
  // `requests` succeeded.
  void Refill(size_t requests);

 private:
  const RetryBudgetLimits limits_;
  absl::Mutex mu_;
  double tokens_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_RETRY_BUDGET_H_
