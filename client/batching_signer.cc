#include "client/batching_signer.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "common/errors.h"

namespace sealward::client {

// Queue is what waits and what is under way. Batches hold references to it, so
// that their answers find it after the BatchingSigner has gone.
class BatchingSigner::Queue : public std::enable_shared_from_this<Queue> {
 public:
  Queue(Signer* signer, Options options) : signer_(signer), options_(std::move(options)) {}

  void Push(JwtRequest request, absl::Time deadline, Signer::JwtCallback done);
  void Close();

 private:
  using Id = uint64_t;
  struct Waiting {
    Id id;
    JwtRequest request;
    absl::Time deadline;
    absl::Time send_by;
  };
  struct Open {
    Signer::JwtCallback done;
    std::multimap<absl::Time, Id>::iterator deadline;
  };
  struct Batch {
    std::vector<Waiting> requests;
    absl::Time deadline = absl::InfinitePast();  // the latest of them
  };

  // Why a request is refused at the door; OK if it is not.
  absl::Status Refusal(const JwtRequest& request) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Sends what is due, answers what is too late, and sets the timer.
  void Pump();
  void DropAnswered() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool BatchIsDue(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Batch TakeBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<Id> Expired(absl::Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SetTimer(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Send(Batch batch);
  // Delivers the outcome of a request, once; later ones are dropped.
  void Answer(Id id, absl::StatusOr<SignedJwt> outcome);

  Signer* const signer_;
  const Options options_;
  absl::Mutex mu_;
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  Id last_id_ ABSL_GUARDED_BY(mu_) = 0;
  std::deque<Waiting> waiting_ ABSL_GUARDED_BY(mu_);  // may hold answered ones
  size_t batches_under_way_ ABSL_GUARDED_BY(mu_) = 0;
  // Everything without an answer, waiting or under way.
  absl::flat_hash_map<Id, Open> open_ ABSL_GUARDED_BY(mu_);
  std::multimap<absl::Time, Id> deadlines_ ABSL_GUARDED_BY(mu_);
  int callbacks_running_ ABSL_GUARDED_BY(mu_) = 0;
  std::shared_ptr<Timer> timer_ ABSL_GUARDED_BY(mu_);
  absl::Time timer_at_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
};

absl::Status BatchingSigner::Queue::Refusal(const JwtRequest& request) const {
  if (closing_) return absl::CancelledError("the BatchingSigner is being destroyed");
  if (request.claims.size() > kMaxClaimsBytes) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "CLAIMS_INVALID",
        absl::StrCat("claims of ", request.claims.size(), " bytes; at most 65,536 can be signed"));
  }
  if (waiting_.size() >= options_.max_queue) {
    return MakeError(absl::StatusCode::kResourceExhausted, "CLIENT_QUEUE_FULL",
                     absl::StrCat(options_.max_queue,
                                  " requests wait in this BatchingSigner; "
                                  "send fewer at a time"));
  }
  return absl::OkStatus();
}

void BatchingSigner::Queue::Push(JwtRequest request, absl::Time deadline,
                                 Signer::JwtCallback done) {
  absl::Status refusal;
  {
    absl::MutexLock lock(&mu_);
    refusal = Refusal(request);
    if (refusal.ok()) {
      const Id id = ++last_id_;
      open_.emplace(id, Open{std::move(done), deadlines_.emplace(deadline, id)});
      waiting_.push_back(
          {id, std::move(request), deadline, options_.clock->Now() + options_.max_wait});
    }
  }
  if (!refusal.ok()) return done(std::move(refusal));
  Pump();
}

void BatchingSigner::Queue::Pump() {
  std::vector<Id> expired;
  std::vector<Batch> batches;
  {
    absl::MutexLock lock(&mu_);
    const absl::Time now = options_.clock->Now();
    expired = Expired(now);
    if (!closing_) {
      while (BatchIsDue(now)) batches.push_back(TakeBatch());
      SetTimer(now);
    }
  }
  for (const Id id : expired) {
    Answer(id, absl::DeadlineExceededError("no answer before the request's deadline"));
  }
  for (Batch& batch : batches) Send(std::move(batch));
}

void BatchingSigner::Queue::DropAnswered() {
  while (!waiting_.empty() && !open_.contains(waiting_.front().id)) waiting_.pop_front();
}

bool BatchingSigner::Queue::BatchIsDue(absl::Time now) {
  DropAnswered();
  if (waiting_.empty() || batches_under_way_ >= options_.max_batches_under_way) return false;
  return batches_under_way_ == 0 || waiting_.size() >= options_.max_batch ||
         waiting_.front().send_by <= now;
}

BatchingSigner::Queue::Batch BatchingSigner::Queue::TakeBatch() {
  Batch batch;
  size_t bytes = 0;
  while (!waiting_.empty() && batch.requests.size() < options_.max_batch) {
    Waiting& next = waiting_.front();
    bytes += next.request.claims.size();
    if (bytes > kMaxBatchBytes && !batch.requests.empty()) break;
    if (open_.contains(next.id)) {
      batch.deadline = std::max(batch.deadline, next.deadline);
      batch.requests.push_back(std::move(next));
    }
    waiting_.pop_front();
  }
  ++batches_under_way_;
  return batch;
}

std::vector<BatchingSigner::Queue::Id> BatchingSigner::Queue::Expired(absl::Time now) const {
  std::vector<Id> ids;
  for (const auto& [deadline, id] : deadlines_) {
    if (deadline > now) break;
    ids.push_back(id);
  }
  return ids;
}

void BatchingSigner::Queue::SetTimer(absl::Time now) {
  absl::Time next = absl::InfiniteFuture();
  const auto open = deadlines_.upper_bound(now);  // those before are answered already
  if (open != deadlines_.end()) next = open->first;
  if (!waiting_.empty() && batches_under_way_ < options_.max_batches_under_way) {
    next = std::min(next, waiting_.front().send_by);
  }
  if (next >= timer_at_) return;
  timer_at_ = next;
  timer_ = options_.timers->Start(next - now, [weak = weak_from_this(), next] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    {
      absl::MutexLock lock(&self->mu_);
      // An earlier timer has replaced this one.
      if (self->timer_at_ != next) return;
      self->timer_at_ = absl::InfiniteFuture();
    }
    self->Pump();
  });
}

void BatchingSigner::Queue::Send(Batch batch) {
  std::vector<Signer::BatchItem> items;
  items.reserve(batch.requests.size());
  for (Waiting& waiting : batch.requests) {
    items.push_back({std::move(waiting.request), [self = shared_from_this(), id = waiting.id](
                                                     absl::StatusOr<SignedJwt> outcome) {
                       self->Answer(id, std::move(outcome));
                     }});
  }
  signer_->SignJwtBatchAsync(std::move(items), batch.deadline, [self = shared_from_this()] {
    {
      absl::MutexLock lock(&self->mu_);
      --self->batches_under_way_;
    }
    self->Pump();
  });
}

void BatchingSigner::Queue::Answer(Id id, absl::StatusOr<SignedJwt> outcome) {
  Signer::JwtCallback done;
  {
    absl::MutexLock lock(&mu_);
    const auto open = open_.find(id);
    if (open == open_.end()) return;
    done = std::move(open->second.done);
    deadlines_.erase(open->second.deadline);
    open_.erase(open);
    ++callbacks_running_;
  }
  done(std::move(outcome));
  absl::MutexLock lock(&mu_);
  --callbacks_running_;
}

void BatchingSigner::Queue::Close() {
  std::vector<Id> ids;
  std::shared_ptr<Timer> timer;
  {
    absl::MutexLock lock(&mu_);
    closing_ = true;
    timer = std::move(timer_);
    for (const auto& [id, open] : open_) ids.push_back(id);
  }
  for (const Id id : ids) Answer(id, absl::CancelledError("the BatchingSigner was destroyed"));
  absl::MutexLock lock(&mu_);
  const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return callbacks_running_ == 0; };
  mu_.Await(absl::Condition(&idle));
}

BatchingSigner::BatchingSigner(Signer* signer) : BatchingSigner(signer, Options()) {}

BatchingSigner::BatchingSigner(Signer* signer, Options options) {
  static const auto* const system_clock = new SystemClock;
  if (options.clock == nullptr) options.clock = system_clock;
  if (options.timers == nullptr) options.timers = GrpcTimers();
  options.max_batch = std::clamp<size_t>(options.max_batch, 1, kMaxBatchSize);
  options.max_batches_under_way = std::max<size_t>(options.max_batches_under_way, 1);
  queue_ = std::make_shared<Queue>(signer, std::move(options));
}

BatchingSigner::~BatchingSigner() { queue_->Close(); }

void BatchingSigner::SignJwtAsync(JwtRequest request, absl::Time deadline,
                                  Signer::JwtCallback done) {
  queue_->Push(std::move(request), deadline, std::move(done));
}

absl::StatusOr<SignedJwt> BatchingSigner::SignJwt(JwtRequest request, absl::Time deadline) {
  absl::StatusOr<SignedJwt> result;
  absl::Notification finished;
  SignJwtAsync(std::move(request), deadline, [&](absl::StatusOr<SignedJwt> outcome) {
    result = std::move(outcome);
    finished.Notify();
  });
  finished.WaitForNotification();
  return result;
}

}  // namespace sealward::client
