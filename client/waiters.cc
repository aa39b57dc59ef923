#include "client/waiters.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/callback_scope.h"
#include "common/errors.h"

namespace sealward::client {
namespace {

constexpr absl::string_view kGone = "what this waited for was destroyed";

}  // namespace

absl::Status Waiters::Add(bool due, absl::Time deadline, WaiterCallback& done) {
  absl::MutexLock lock(&mu_);
  if (closing_) return absl::CancelledError(kGone);
  if (waiters_.size() >= kMaxWaiters) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_WAITERS",
                     absl::StrCat(kMaxWaiters, " callbacks wait already"));
  }
  const Id id = ++last_id_;
  absl::Status outcome =
      due ? absl::OkStatus() : absl::DeadlineExceededError("it did not come before the deadline");
  const absl::Duration wait = due ? absl::ZeroDuration() : deadline - clock_->Now();
  Waiter& waiter = waiters_[id];
  waiter.done = std::move(done);
  waiter.timer = timers_->Start(wait, [weak = weak_from_this(), id, outcome = std::move(outcome)] {
    if (const auto self = weak.lock()) self->Expire(id, outcome);
  });
  return absl::OkStatus();
}

void Waiters::Tell(size_t most) { Run(Take(most), absl::OkStatus()); }

std::vector<Waiters::Waiter> Waiters::Take(size_t most) {
  std::vector<Waiter> taken;
  absl::MutexLock lock(&mu_);
  while (taken.size() < most && !waiters_.empty()) {
    taken.push_back(std::move(waiters_.begin()->second));
    waiters_.erase(waiters_.begin());
  }
  running_ += taken.size();
  return taken;
}

void Waiters::Run(std::vector<Waiter> waiters, const absl::Status& status) {
  for (Waiter& waiter : waiters) {
    const CallbackScope scope;
    waiter.done(status);
    waiter.done = nullptr;  // what it holds goes before Close returns
  }
  absl::MutexLock lock(&mu_);
  running_ -= waiters.size();
}

void Waiters::Expire(Id id, const absl::Status& status) {
  std::vector<Waiter> expired;
  {
    absl::MutexLock lock(&mu_);
    const auto it = waiters_.find(id);
    if (it == waiters_.end()) return;
    expired.push_back(std::move(it->second));
    waiters_.erase(it);
    ++running_;
  }
  Run(std::move(expired), status);
}

void Waiters::Close() {
  {
    absl::MutexLock lock(&mu_);
    closing_ = true;
  }
  Run(Take(kMaxWaiters), absl::CancelledError(kGone));
  absl::MutexLock lock(&mu_);
  const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return running_ == 0; };
  mu_.Await(absl::Condition(&idle));
}

}  // namespace sealward::client
