#include "client/batch_queue.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "client/callback_scope.h"
#include "common/errors.h"

namespace sealward::client {
namespace {

void SendBatch(Signer* signer, std::vector<Signer::BatchItem> items, absl::Time deadline,
               absl::AnyInvocable<void()> finished, absl::AnyInvocable<void()> paused) {
  signer->SignJwtBatchAsync(std::move(items), deadline, std::move(finished), std::move(paused));
}

void SendBatch(Signer* signer, std::vector<Signer::RawBatchItem> items, absl::Time deadline,
               absl::AnyInvocable<void()> finished, absl::AnyInvocable<void()> paused) {
  signer->SignRawBatchAsync(std::move(items), deadline, std::move(finished), std::move(paused));
}

}  // namespace

template <typename Operation>
absl::Status BatchQueue<Operation>::Admit(const Request& request, absl::Time wait_until) {
  if (absl::Status status = Operation::Check(request); !status.ok()) return status;
  if (!closing_ && !HasRoom() && wait_until > absl::InfinitePast()) {
    const auto go_on = [this]()
                           ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return closing_ || HasRoom(); };
    mu_.AwaitWithDeadline(absl::Condition(&go_on), wait_until);
  }
  if (closing_) return absl::CancelledError("the BatchingSigner is being destroyed");
  if (!HasRoom()) {
    return MakeError(absl::StatusCode::kResourceExhausted, "CLIENT_QUEUE_FULL",
                     absl::StrCat(options_.max_queue,
                                  " requests wait in this BatchingSigner "
                                  "(Options::max_queue); wait for room "
                                  "(WhenRoom)"));
  }
  return absl::OkStatus();
}

template <typename Operation>
void BatchQueue<Operation>::Push(Request request, absl::Time deadline, absl::Time wait_until,
                                 Callback done) {
  const absl::Time started = options_.clock->Now();
  absl::Status refusal;
  {
    absl::MutexLock lock(&mu_);
    ++busy_;  // to the end: a thread that waits for room may go on beside Close
    refusal = Admit(request, wait_until);
    if (refusal.ok()) {
      const Id id = ++last_id_;
      open_.emplace(id, Open{std::move(done), deadlines_.emplace(deadline, id), started});
      waiting_.push_back({id, std::move(request), deadline, options_.clock->Now()});
    }
  }
  if (refusal.ok()) {
    Pump();
  } else {
    Report(refusal, started);
    const CallbackScope scope;
    // Moved from only where it was not refused.
    done(std::move(refusal));  // NOLINT(bugprone-use-after-move)
    done = nullptr;            // what it holds goes before Close returns
  }
  absl::MutexLock lock(&mu_);
  --busy_;
}

template <typename Operation>
void BatchQueue<Operation>::WhenRoom(absl::Time deadline, WaiterCallback done) {
  absl::Status refusal;
  {
    absl::MutexLock lock(&mu_);
    refusal = room_->Add(HasRoom(), deadline, done);
  }
  if (refusal.ok()) return;
  const CallbackScope scope;
  done(std::move(refusal));
}

template <typename Operation>
void BatchQueue<Operation>::Pump() {
  std::vector<Id> expired;
  std::vector<Batch> batches;
  size_t places = 0;
  {
    absl::MutexLock lock(&mu_);
    // After Close the clock and the Signer may be gone, and nothing is open. What is
    // counted in busy_, Close waits for.
    if (closing_) return;
    ++busy_;
    const absl::Time now = options_.clock->Now();
    expired = Expired(now);
    while (BatchIsDue(now)) batches.push_back(TakeBatch(now));
    SetTimer(now);
    if (HasRoom()) places = options_.max_queue - waiting_.size();
  }
  for (const Id id : expired) {
    Answer(id, absl::DeadlineExceededError("no answer before the request's deadline"));
  }
  for (Batch& batch : batches) Send(std::move(batch));
  room_->Tell(places);
  absl::MutexLock lock(&mu_);
  --busy_;
}

template <typename Operation>
void BatchQueue<Operation>::DropAnswered() {
  while (!waiting_.empty() && !open_.contains(waiting_.front().id)) waiting_.pop_front();
}

template <typename Operation>
bool BatchQueue<Operation>::BatchIsDue(absl::Time now) {
  DropAnswered();
  if (waiting_.empty() || batches_under_way_ >= options_.max_batches_under_way) return false;
  return batches_under_way_ == 0 || waiting_.size() >= options_.max_batch ||
         waiting_.front().queued + options_.max_wait <= now;
}

template <typename Operation>
typename BatchQueue<Operation>::Batch BatchQueue<Operation>::TakeBatch(absl::Time now) {
  Batch batch;
  size_t bytes = 0;
  batch.event.longest_wait = now - waiting_.front().queued;
  while (!waiting_.empty() && batch.requests.size() < options_.max_batch) {
    Waiting& next = waiting_.front();
    bytes += Operation::Bytes(next.request);
    if (bytes > BatchingSigner::kMaxBatchBytes && !batch.requests.empty()) break;
    if (open_.contains(next.id)) {
      batch.deadline = std::max(batch.deadline, next.deadline);
      batch.requests.push_back(std::move(next));
    }
    waiting_.pop_front();
  }
  ++batches_under_way_;
  batch.event.requests = batch.requests.size();
  batch.event.queue_depth = waiting_.size();
  batch.event.under_way = batches_under_way_;
  return batch;
}

template <typename Operation>
std::vector<typename BatchQueue<Operation>::Id> BatchQueue<Operation>::Expired(
    absl::Time now) const {
  std::vector<Id> ids;
  for (const auto& [deadline, id] : deadlines_) {
    if (deadline > now) break;
    ids.push_back(id);
  }
  return ids;
}

template <typename Operation>
void BatchQueue<Operation>::SetTimer(absl::Time now) {
  absl::Time next = absl::InfiniteFuture();
  const auto open = deadlines_.upper_bound(now);  // those before are answered already
  if (open != deadlines_.end()) next = open->first;
  if (!waiting_.empty() && batches_under_way_ < options_.max_batches_under_way) {
    next = std::min(next, waiting_.front().queued + options_.max_wait);
  }
  if (next >= timer_at_) return;
  timer_at_ = next;
  timer_ = options_.timers->Start(next - now, [weak = this->weak_from_this(), next] {
    if (const auto self = weak.lock()) self->OnTimer(next);
  });
}

template <typename Operation>
void BatchQueue<Operation>::OnTimer(absl::Time set_for) {
  {
    absl::MutexLock lock(&mu_);
    if (timer_at_ != set_for) return;  // an earlier timer has replaced this one
    timer_at_ = absl::InfiniteFuture();
  }
  Pump();
}

template <typename Operation>
void BatchQueue<Operation>::Send(Batch batch) {
  if (options_.metrics != nullptr) options_.metrics->OnBatch(batch.event);
  const auto self = this->shared_from_this();
  std::vector<Item> items;
  items.reserve(batch.requests.size());
  for (Waiting& waiting : batch.requests) {
    items.push_back({std::move(waiting.request), [self, id = waiting.id](Outcome outcome) {
                       self->Answer(id, std::move(outcome));
                     }});
  }
  // The slot is free once the server has answered for some of them: one key without
  // quota must not keep it through the pauses of its requests. While it answers for
  // none, fewer batches are under way, which is what it needs.
  auto freed = std::make_shared<bool>(false);  // the two callbacks come one after the other
  const auto free = [self, freed] {
    if (!std::exchange(*freed, true)) self->Free();
  };
  SendBatch(signer_, std::move(items), batch.deadline, free, free);
}

template <typename Operation>
void BatchQueue<Operation>::Free() {
  {
    absl::MutexLock lock(&mu_);
    --batches_under_way_;
  }
  Pump();
}

template <typename Operation>
void BatchQueue<Operation>::Answer(Id id, Outcome outcome) {
  Callback done;
  absl::Time started;
  {
    absl::MutexLock lock(&mu_);
    const auto open = open_.find(id);
    if (open == open_.end()) return;
    done = std::move(open->second.done);
    started = open->second.started;
    deadlines_.erase(open->second.deadline);
    open_.erase(open);
    ++busy_;
  }
  Report(outcome.status(), started);
  {
    const CallbackScope scope;
    done(std::move(outcome));
    done = nullptr;  // what it holds goes before Close returns
  }
  absl::MutexLock lock(&mu_);
  --busy_;
}

template <typename Operation>
void BatchQueue<Operation>::Report(const absl::Status& status, absl::Time started) const {
  if (options_.metrics == nullptr) return;
  options_.metrics->OnBatchedRequest(
      {status.code(), ErrorReason(status),
       std::max(options_.clock->Now() - started, absl::ZeroDuration())});
}

template <typename Operation>
void BatchQueue<Operation>::Close() {
  std::vector<Id> ids;
  std::shared_ptr<Timer> timer;
  {
    absl::MutexLock lock(&mu_);
    closing_ = true;
    timer = std::move(timer_);
    for (const auto& [id, open] : open_) ids.push_back(id);
  }
  for (const Id id : ids) Answer(id, absl::CancelledError("the BatchingSigner was destroyed"));
  room_->Close();
  absl::MutexLock lock(&mu_);
  const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return busy_ == 0; };
  mu_.Await(absl::Condition(&idle));
}

template class BatchQueue<JwtOperation>;
template class BatchQueue<RawOperation>;

}  // namespace sealward::client
