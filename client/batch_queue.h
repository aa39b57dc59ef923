// Private to client/: what gathers single requests into batches.
#ifndef SEALWARD_CLIENT_BATCH_QUEUE_H_
#define SEALWARD_CLIENT_BATCH_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/batching_signer.h"
#include "client/operations.h"
#include "client/waiters.h"

namespace sealward::client {

// BatchQueue is what waits and what is under way, for one Operation (operations.h).
// Batches hold references to it, so that their answers find it after the
// BatchingSigner has gone. Thread-safe.
template <typename Operation>
class BatchQueue : public std::enable_shared_from_this<BatchQueue<Operation>> {
 public:
  using Request = typename Operation::Request;
  using Outcome = absl::StatusOr<typename Operation::Answer>;
  using Callback = absl::AnyInvocable<void(Outcome)>;
  using Item = BatchItemOf<Request, typename Operation::Answer>;

  // REQUIRES: `signer` outlives it; `options` have a clock, timers, and numbers
  // within their bounds.
  BatchQueue(Signer* signer, BatchingSigner::Options options)
      : signer_(signer),
        options_(std::move(options)),
        room_(std::make_shared<Waiters>(options_.clock, options_.timers)) {}

  // `wait_until`: for room, on this thread; InfinitePast does not wait.
  void Push(Request request, absl::Time deadline, absl::Time wait_until, Callback done);
  void WhenRoom(absl::Time deadline, WaiterCallback done);
  // Answers everything with CANCELLED and returns after the callbacks.
  void Close();

 private:
  using Id = uint64_t;
  struct Waiting {
    Id id;
    Request request;
    absl::Time deadline;
    absl::Time queued;
  };
  struct Open {
    Callback done;
    typename std::multimap<absl::Time, Id>::iterator deadline;
    absl::Time started;
  };
  struct Batch {
    std::vector<Waiting> requests;
    absl::Time deadline = absl::InfinitePast();  // the latest of them
    BatchEvent event = {};
  };

  // Why a request is refused at the door; OK if it is not. Waits for room before.
  absl::Status Admit(const Request& request, absl::Time wait_until)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return waiting_.size() < options_.max_queue;
  }
  // Sends what is due, answers what is too late, sets the timer, and says so where
  // there is room.
  void Pump();
  void DropAnswered() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool BatchIsDue(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Batch TakeBatch(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<Id> Expired(absl::Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SetTimer(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnTimer(absl::Time set_for);
  void Send(Batch batch);
  // A batch gives its slot back.
  void Free();
  // Delivers the outcome of a request, once; later ones are dropped.
  void Answer(Id id, Outcome outcome);
  void Report(const absl::Status& status, absl::Time started) const;

  Signer* const signer_;
  const BatchingSigner::Options options_;
  const std::shared_ptr<Waiters> room_;
  absl::Mutex mu_;
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  Id last_id_ ABSL_GUARDED_BY(mu_) = 0;
  std::deque<Waiting> waiting_ ABSL_GUARDED_BY(mu_);  // may hold answered ones
  size_t batches_under_way_ ABSL_GUARDED_BY(mu_) = 0;
  // Everything without an answer, waiting or under way.
  absl::flat_hash_map<Id, Open> open_ ABSL_GUARDED_BY(mu_);
  std::multimap<absl::Time, Id> deadlines_ ABSL_GUARDED_BY(mu_);
  int busy_ ABSL_GUARDED_BY(mu_) = 0;  // threads in Admit, in Pump and in callbacks
  std::shared_ptr<Timer> timer_ ABSL_GUARDED_BY(mu_);
  absl::Time timer_at_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_BATCH_QUEUE_H_
