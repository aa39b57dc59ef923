#include "client/call_set.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/callback_scope.h"
#include "client/retrying_call.h"
#include "common/errors.h"

namespace sealward::client {

absl::Status CallSet::Add(std::shared_ptr<RetryingCall> call, absl::Time wait_until) {
  absl::MutexLock lock(&mu_);
  ++adding_;
  if (!HasRoom() && wait_until > absl::InfinitePast()) {
    const auto go_on = [this]()
                           ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return closing_ || HasRoom(); };
    mu_.AwaitWithDeadline(absl::Condition(&go_on), wait_until);
  }
  if (closing_) return absl::CancelledError("the Signer is being destroyed");
  if (!HasRoom()) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_CALLS",
                     absl::StrCat(max_calls_,
                                  " calls of this Signer are under way "
                                  "(Options::max_calls); wait for room (WhenRoom)"));
  }
  calls_.insert(std::move(call));
  --adding_;
  return absl::OkStatus();
}

void CallSet::Refused() {
  absl::MutexLock lock(&mu_);
  --adding_;
}

void CallSet::Remove(const std::shared_ptr<RetryingCall>& call) {
  // The last call out lets the destructor go on: nothing of this after the lock.
  const std::shared_ptr<Waiters> waiters = waiters_;
  size_t places = 0;
  {
    absl::MutexLock lock(&mu_);
    calls_.erase(call);
    if (calls_.size() < max_calls_) places = max_calls_ - calls_.size();
  }
  waiters->Tell(places);
}

void CallSet::WhenRoom(absl::Time deadline, WaiterCallback done) {
  absl::Status refusal;
  {
    absl::MutexLock lock(&mu_);
    refusal = waiters_->Add(HasRoom(), deadline, done);
  }
  if (refusal.ok()) return;
  const CallbackScope scope;
  done(std::move(refusal));
}

void CallSet::CancelAllAndWait() {
  std::vector<std::shared_ptr<RetryingCall>> calls;
  {
    absl::MutexLock lock(&mu_);
    closing_ = true;
    calls.assign(calls_.begin(), calls_.end());
  }
  waiters_->Close();  // before calls that end make room
  for (const auto& call : calls) call->Cancel();
  calls.clear();
  absl::MutexLock lock(&mu_);
  const auto empty = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return calls_.empty() && adding_ == 0;
  };
  mu_.Await(absl::Condition(&empty));
}

}  // namespace sealward::client
