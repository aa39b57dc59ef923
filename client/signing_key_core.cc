#include "client/signing_key_core.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "client/callback_scope.h"
#include "client/retry.h"
#include "common/errors.h"

namespace sealward::client {
namespace {

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

// Whether the server said that there is nothing to sign with, or not for us.
bool IsRefusal(const absl::Status& error) {
  return !IsRetryable(error) && !absl::IsDeadlineExceeded(error) && !absl::IsCancelled(error) &&
         !absl::IsResourceExhausted(error);
}

}  // namespace

void SigningKeyCache::Core::Get(absl::string_view key, absl::Time deadline, Callback done) {
  const absl::Time now = options_.clock->Now();
  Key ready;
  std::shared_ptr<Fetch> begun;
  WaiterCallback told;
  absl::Status refusal;
  {
    absl::MutexLock lock(&mu_);
    if (entries_.size() >= options_.max_keys && !entries_.contains(key)) MakePlace();
    Entry& entry = entries_[key];
    if (now < entry.expires) ready = entry.key;
    if (entry.fetch == nullptr && !closing_ && (ready == nullptr || now >= entry.refresh)) {
      begun = BeginFetch(entry);
    }
    if (ready == nullptr) {
      told = [fetch = entry.fetch, done = std::move(done)](const absl::Status& status) mutable {
        done(status.ok() ? fetch->outcome : absl::StatusOr<Key>(status));
      };
      refusal = closing_ ? absl::CancelledError("the SigningKeyCache is being destroyed")
                         : entry.fetch->waiters->Add(false, deadline, told);
    }
  }
  if (begun != nullptr) Send(std::string(key), begun);
  const CallbackScope scope;
  // Moved from only where nothing was ready.
  if (ready != nullptr) return done(std::move(ready));  // NOLINT(bugprone-use-after-move)
  if (!refusal.ok()) told(std::move(refusal));
}

std::shared_ptr<SigningKeyCache::Core::Fetch> SigningKeyCache::Core::BeginFetch(Entry& entry) {
  entry.fetch = std::make_shared<Fetch>(options_);
  entry.fetch->started = options_.clock->Now();
  return entry.fetch;
}

void SigningKeyCache::Core::MakePlace() {
  // Those that somebody waits for stay, even if that makes one more than there should be.
  auto first = entries_.end();
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    if (it->second.fetch != nullptr) continue;
    if (first == entries_.end() || it->second.expires < first->second.expires) first = it;
  }
  if (first != entries_.end()) entries_.erase(first);
}

void SigningKeyCache::Core::Send(const std::string& key, const std::shared_ptr<Fetch>& fetch) {
  signer_->GetSigningKeyAsync(
      key, options_.clock->Now() + options_.fetch_timeout,
      [self = shared_from_this(), key, fetch](absl::StatusOr<v1::SigningKey> answer) {
        self->OnFetched(key, fetch, std::move(answer));
      });
}

void SigningKeyCache::Core::OnFetched(const std::string& key, const std::shared_ptr<Fetch>& fetch,
                                      absl::StatusOr<v1::SigningKey> answer) {
  std::shared_ptr<Fetch> again;
  {
    absl::MutexLock lock(&mu_);
    if (closing_) return;  // whoever waited has been told
    Entry& entry = entries_[key];
    // Answered before the server took that kid away: not what anybody should get.
    if (answer.ok() && !fetch->refused_kid.empty() && answer->kid() == fetch->refused_kid) {
      fetch->refused_kid.clear();
      fetch->started = options_.clock->Now();
      again = fetch;
    } else {
      if (answer.ok()) {
        fetch->outcome = std::make_shared<const v1::SigningKey>(*std::move(answer));
      } else {
        fetch->outcome = answer.status();
      }
      Take(entry, *fetch);
      entry.fetch = nullptr;
    }
    ++going_on_;  // Close finds nothing of it among the entries
  }
  if (again != nullptr) {
    Send(key, again);
  } else {
    fetch->waiters->Tell(std::numeric_limits<size_t>::max());
  }
  absl::MutexLock lock(&mu_);
  --going_on_;
}

void SigningKeyCache::Core::Take(Entry& entry, const Fetch& fetch) {
  if (fetch.outcome.ok()) {
    entry.key = *fetch.outcome;
    entry.expires =
        std::min(FromProto(entry.key->refresh_time()), fetch.started + kMaxSigningKeyAge);
    entry.refresh = entry.expires - (entry.expires - fetch.started) * kRefreshAhead;
    return;
  }
  const absl::Status& error = fetch.outcome.status();
  if (IsRefusal(error)) entry.key = nullptr;
  entry.refresh = options_.clock->Now() + std::max(kRefreshPause, RetryDelay(error));
}

void SigningKeyCache::Core::Invalidate(absl::string_view key, absl::string_view kid) {
  absl::MutexLock lock(&mu_);
  const auto it = entries_.find(key);
  if (it == entries_.end()) return;
  Entry& entry = it->second;
  if (entry.key != nullptr && entry.key->kid() == kid) entry.key = nullptr;
  if (entry.fetch != nullptr) entry.fetch->refused_kid = std::string(kid);
}

void SigningKeyCache::Core::Close() {
  std::vector<std::shared_ptr<Waiters>> waiters;
  {
    absl::MutexLock lock(&mu_);
    closing_ = true;
    for (const auto& [key, entry] : entries_) {
      if (entry.fetch != nullptr) waiters.push_back(entry.fetch->waiters);
    }
  }
  for (const auto& each : waiters) each->Close();
  absl::MutexLock lock(&mu_);
  const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return going_on_ == 0; };
  mu_.Await(absl::Condition(&idle));
}

}  // namespace sealward::client
