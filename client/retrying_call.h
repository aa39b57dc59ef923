// Private to client/: one call with its attempts.
#ifndef SEALWARD_CLIENT_RETRYING_CALL_H_
#define SEALWARD_CLIENT_RETRYING_CALL_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/call_set.h"
#include "client/metrics.h"
#include "client/retry.h"
#include "client/retry_budget.h"
#include "common/clock.h"
#include "common/timer.h"
#include "grpcpp/client_context.h"

namespace sealward::client {

// RetryEnvironment is what calls share. All of it outlives them.
struct RetryEnvironment {
  RetryPolicy policy;
  const Clock* clock;
  TimerFactory* timers;
  std::function<double()> random;  // uniform in [0, 1); thread-safe
  absl::string_view target;
  CallSet* calls;
  RetryBudget* budget;
  Metrics* metrics;  // or null
};

// RetryingCall is one call of the user: attempts and pauses until a final
// outcome or the deadline. It keeps itself alive while it runs.
class RetryingCall : public std::enable_shared_from_this<RetryingCall> {
 public:
  virtual ~RetryingCall() = default;

  // Runs `call` to its end. Where the set has no room, not even at `wait_until`,
  // Finish gets the set's error before Run returns.
  static void Run(const std::shared_ptr<RetryingCall>& call,
                  absl::Time wait_until = absl::InfinitePast());

  // Ends it soon, with CANCELLED. Thread-safe.
  void Cancel();

 protected:
  // `method`: for metrics; a literal.
  RetryingCall(const RetryEnvironment& environment, absl::string_view method, absl::Time deadline,
               size_t requests)
      : environment_(environment),
        method_(method),
        deadline_(deadline),
        requests_(requests),
        open_(requests) {}

  // Progress is what an attempt came to.
  struct Progress {
    absl::Status left = {};  // OK if nothing is left to do, else what a further attempt is to cure
    size_t succeeded = 0;    // requests that are done
    size_t open = 0;         // requests that a further attempt would send
    size_t failed = 0;       // requests with a final error
  };

  // Starts one RPC; `done` runs when it has ended.
  virtual void Send(grpc::ClientContext* context, std::function<void(grpc::Status)> done) = 0;
  // Takes in the outcome of an attempt.
  virtual Progress Absorb(absl::Status outcome) = 0;
  // Delivers the end to the user. Called once, without locks.
  virtual void Finish(absl::Status status) = 0;

 private:
  void Attempt();
  void OnAttemptDone(const grpc::Status& outcome);
  // How long to wait before the next attempt; nullopt to give up.
  std::optional<absl::Duration> Pause(const Progress& progress);
  void End(absl::Status status);
  void Report(const absl::Status& status) const;

  const RetryEnvironment& environment_;
  const absl::string_view method_;
  const absl::Time deadline_;
  const size_t requests_;
  // Attempts never overlap: no lock.
  absl::Time started_;
  int attempts_ = 0;
  size_t failed_ = 0;
  size_t open_;
  absl::Mutex mu_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  std::unique_ptr<grpc::ClientContext> context_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<Timer> timer_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_RETRYING_CALL_H_
