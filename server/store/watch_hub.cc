#include "server/store/watch_hub.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace sealward::store {

WatchHub::Subscription::Subscription(WatchHub* hub, absl::string_view prefix)
    : hub_(hub), prefix_(prefix) {
  absl::MutexLock lock(&hub_->mu_);
  hub_->subscriptions_.insert(this);
}

WatchHub::Subscription::~Subscription() {
  absl::MutexLock lock(&hub_->mu_);
  hub_->subscriptions_.erase(this);
}

void WatchHub::Subscription::Clear() {
  absl::MutexLock lock(&hub_->mu_);
  changed_ = false;
}

WatchHub::Subscription::Wake WatchHub::Subscription::Wait(absl::Duration timeout) {
  const auto rung = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return changed_ || cancelled_; };
  absl::MutexLock lock(&hub_->mu_);
  hub_->mu_.AwaitWithTimeout(absl::Condition(&rung), timeout);
  if (cancelled_) return Wake::kCancelled;
  return changed_ ? Wake::kChanged : Wake::kTimedOut;
}

void WatchHub::Subscription::Cancel() {
  absl::MutexLock lock(&hub_->mu_);
  cancelled_ = true;
}

void WatchHub::Notify(const std::vector<absl::string_view>& keys) {
  absl::MutexLock lock(&mu_);
  for (Subscription* subscription : subscriptions_) {
    const auto concerns = [subscription](absl::string_view key) {
      return absl::StartsWith(key, subscription->prefix_);
    };
    if (std::ranges::any_of(keys, concerns)) subscription->changed_ = true;
  }
}

}  // namespace sealward::store
