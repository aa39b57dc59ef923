// Private to client/: one call with its attempts, and the set of all of them.
#ifndef SEALWARD_CLIENT_RETRYING_CALL_H_
#define SEALWARD_CLIENT_RETRYING_CALL_H_

#include <cstddef>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/retry.h"
#include "common/clock.h"
#include "common/timer.h"
#include "grpcpp/client_context.h"

namespace sealward::client {

class RetryingCall;

// CallSet is the calls under way. Thread-safe.
class CallSet {
 public:
  explicit CallSet(size_t max_calls) : max_calls_(max_calls) {}
  ~CallSet() { CancelAllAndWait(); }

  // Whether there was room; false too once it is closing.
  bool Add(std::shared_ptr<RetryingCall> call);
  void Remove(const std::shared_ptr<RetryingCall>& call);
  // Refuses new calls, cancels the others and returns when none is left.
  void CancelAllAndWait();

 private:
  const size_t max_calls_;
  absl::Mutex mu_;
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_set<std::shared_ptr<RetryingCall>> calls_ ABSL_GUARDED_BY(mu_);
};

// RetryEnvironment is what calls share. All of it outlives them.
struct RetryEnvironment {
  RetryPolicy policy;
  const Clock* clock;
  TimerFactory* timers;
  std::function<double()> random;  // uniform in [0, 1); thread-safe
  absl::string_view target;
  CallSet* calls;
};

// RetryingCall is one call of the user: attempts and pauses until a final
// outcome or the deadline. It keeps itself alive while it runs.
class RetryingCall : public std::enable_shared_from_this<RetryingCall> {
 public:
  virtual ~RetryingCall() = default;

  // Runs `call` to its end. Where the set has no room, Finish gets
  // RESOURCE_EXHAUSTED (TOO_MANY_CALLS) before Run returns.
  static void Run(std::shared_ptr<RetryingCall> call);

  // Ends it soon, with CANCELLED. Thread-safe.
  void Cancel();

 protected:
  RetryingCall(const RetryEnvironment& environment, absl::Time deadline)
      : environment_(environment), deadline_(deadline) {}

  // Starts one RPC; `done` runs when it has ended.
  virtual void Send(grpc::ClientContext* context, std::function<void(grpc::Status)> done) = 0;
  // Takes in what an attempt came to. OK if nothing is left to do, else the
  // error that a further attempt is to cure.
  virtual absl::Status Absorb(absl::Status outcome) { return outcome; }
  // Delivers the end to the user. Called once, without locks.
  virtual void Finish(absl::Status status) = 0;

 private:
  void Attempt();
  void OnAttemptDone(const grpc::Status& outcome);
  void End(absl::Status status);

  const RetryEnvironment& environment_;
  const absl::Time deadline_;
  int attempts_ = 0;  // attempts never overlap
  absl::Mutex mu_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  std::unique_ptr<grpc::ClientContext> context_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<Timer> timer_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_RETRYING_CALL_H_
