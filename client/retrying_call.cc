#include "client/retrying_call.h"

#include <utility>
#include <vector>

#include "client/status.h"
#include "common/errors.h"
#include "grpcpp/support/time.h"

namespace sealward::client {
namespace {

constexpr absl::string_view kDestroyed = "the Signer was destroyed";

}  // namespace

bool CallSet::Add(std::shared_ptr<RetryingCall> call) {
  absl::MutexLock lock(&mu_);
  if (closing_ || calls_.size() >= max_calls_) return false;
  calls_.insert(std::move(call));
  return true;
}

void CallSet::Remove(const std::shared_ptr<RetryingCall>& call) {
  absl::MutexLock lock(&mu_);
  calls_.erase(call);
}

void CallSet::CancelAllAndWait() {
  std::vector<std::shared_ptr<RetryingCall>> calls;
  {
    absl::MutexLock lock(&mu_);
    closing_ = true;
    calls.assign(calls_.begin(), calls_.end());
  }
  for (const auto& call : calls) call->Cancel();
  calls.clear();
  absl::MutexLock lock(&mu_);
  const auto empty = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return calls_.empty(); };
  mu_.Await(absl::Condition(&empty));
}

void RetryingCall::Run(std::shared_ptr<RetryingCall> call) {
  if (!call->environment_.calls->Add(call)) {
    call->Finish(MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_CALLS",
                           "this Signer has Options::max_calls calls under way, or is being "
                           "destroyed; wait for answers before sending more"));
    return;
  }
  call->Attempt();
}

void RetryingCall::Cancel() {
  std::shared_ptr<Timer> timer;
  {
    absl::MutexLock lock(&mu_);
    cancelled_ = true;
    if (context_ != nullptr) context_->TryCancel();
    timer = timer_;
  }
  if (timer != nullptr) timer->Cancel();
}

void RetryingCall::Attempt() {
  grpc::ClientContext* context = nullptr;
  {
    absl::MutexLock lock(&mu_);
    timer_.reset();
    if (!cancelled_) {
      context_ = std::make_unique<grpc::ClientContext>();
      context_->set_deadline(absl::ToChronoTime(deadline_));
      context = context_.get();
    }
  }
  if (context == nullptr) return End(absl::CancelledError(kDestroyed));
  ++attempts_;
  Send(context,
       [self = shared_from_this()](const grpc::Status& outcome) { self->OnAttemptDone(outcome); });
}

void RetryingCall::OnAttemptDone(const grpc::Status& outcome) {
  bool cancelled = false;
  {
    // The context holds the channel. It goes before the user hears of the end:
    // whoever drops the channel last joins gRPC's callback threads, and this is one.
    absl::MutexLock lock(&mu_);
    context_.reset();
    cancelled = cancelled_;
  }
  if (cancelled && !outcome.ok()) return End(absl::CancelledError(kDestroyed));
  absl::Status left = Absorb(FromGrpcStatus(outcome, environment_.target));
  if (left.ok()) return End(absl::OkStatus());
  const absl::Duration time_left = deadline_ - environment_.clock->Now();
  const auto pause =
      NextPause(environment_.policy, left, attempts_, time_left, environment_.random());
  if (!pause) return End(std::move(left));
  absl::MutexLock lock(&mu_);
  // A Cancel that comes before this line finds no timer; Attempt sees it.
  const absl::Duration wait = cancelled_ ? absl::ZeroDuration() : *pause;
  timer_ = environment_.timers->Start(wait, [self = shared_from_this()] { self->Attempt(); });
}

void RetryingCall::End(absl::Status status) {
  const auto self = shared_from_this();
  Finish(std::move(status));
  environment_.calls->Remove(self);
}

}  // namespace sealward::client
