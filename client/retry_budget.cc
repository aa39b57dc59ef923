#include "client/retry_budget.h"

#include <algorithm>

#include "client/status.h"
#include "common/errors.h"

namespace sealward::client {

RetryBudget::RetryBudget(const RetryBudgetLimits& limits)
    : limits_{std::max(limits.most_tokens, 0.0), std::max(limits.per_success, 0.0)},
      tokens_(limits_.most_tokens) {}

bool RetryBudget::Take(size_t requests, const absl::Status& error) {
  if (ErrorReason(error) == kConnectionFailed) return true;
  const auto price = static_cast<double>(requests);
  absl::MutexLock lock(&mu_);
  if (tokens_ < price) return false;
  tokens_ -= price;
  return true;
}

void RetryBudget::Refill(size_t requests) {
  absl::MutexLock lock(&mu_);
  tokens_ =
      std::min(limits_.most_tokens, tokens_ + limits_.per_success * static_cast<double>(requests));
}

}  // namespace sealward::client
