#include "client/retrying_call.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "client/callback_scope.h"
#include "client/status.h"
#include "common/errors.h"
#include "grpcpp/support/time.h"

namespace sealward::client {
namespace {

constexpr absl::string_view kDestroyed = "the Signer was destroyed";

}  // namespace

void RetryingCall::Run(const std::shared_ptr<RetryingCall>& call, absl::Time wait_until) {
  absl::Status added = call->environment_.calls->Add(call, wait_until);
  call->started_ = call->environment_.clock->Now();
  if (added.ok()) return call->Attempt();
  call->failed_ = call->requests_;
  call->Report(added);
  {
    const CallbackScope scope;
    call->Finish(std::move(added));
  }
  call->environment_.calls->Refused();
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
  // Nobody waits for it. (And gRPC takes a time before 1970 for "never".)
  if (deadline_ <= environment_.clock->Now()) {
    return End(absl::DeadlineExceededError("the deadline passed before the request was sent"));
  }
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
  Progress progress;
  {
    const CallbackScope scope;
    progress = Absorb(FromGrpcStatus(outcome, environment_.target));
  }
  failed_ += progress.failed;
  open_ = progress.open;
  if (progress.succeeded > 0) environment_.budget->Refill(progress.succeeded);
  if (progress.left.ok()) return End(absl::OkStatus());
  const auto pause = Pause(progress);
  if (!pause) return End(std::move(progress.left));
  absl::MutexLock lock(&mu_);
  // A Cancel that comes before this line finds no timer; Attempt sees it.
  const absl::Duration wait = cancelled_ ? absl::ZeroDuration() : *pause;
  timer_ = environment_.timers->Start(wait, [self = shared_from_this()] { self->Attempt(); });
}

std::optional<absl::Duration> RetryingCall::Pause(const Progress& progress) {
  const absl::Duration time_left = deadline_ - environment_.clock->Now();
  const auto pause =
      NextPause(environment_.policy, progress.left, attempts_, time_left, environment_.random());
  if (!pause) return std::nullopt;
  const bool refused = !environment_.budget->Take(progress.open, progress.left);
  if (environment_.metrics != nullptr) {
    environment_.metrics->OnRetry({method_, progress.left.code(), ErrorReason(progress.left),
                                   attempts_, progress.open, refused,
                                   refused ? absl::ZeroDuration() : *pause});
  }
  if (refused) return std::nullopt;
  return pause;
}

void RetryingCall::End(absl::Status status) {
  const auto self = shared_from_this();
  if (!status.ok()) failed_ += open_;
  Report(status);
  {
    const CallbackScope scope;
    Finish(std::move(status));
  }
  environment_.calls->Remove(self);
}

void RetryingCall::Report(const absl::Status& status) const {
  if (environment_.metrics == nullptr) return;
  environment_.metrics->OnCall(
      {method_, status.code(), ErrorReason(status), attempts_,
       std::max(environment_.clock->Now() - started_, absl::ZeroDuration()), requests_, failed_});
}

}  // namespace sealward::client
