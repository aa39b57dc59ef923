#include "server/quota/bucket.h"

#include <algorithm>

namespace sealward::quota {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;

int64_t TokenNs(const catalog::Quota& quota) {
  return (kNanosPerSecond + quota.per_second - 1) / quota.per_second;
}

// From empty to full. At most 10^7 tokens of 1 s, 10^16 ns: added to now, far
// from overflow until the year 2260.
int64_t DepthNs(const catalog::Quota& quota) { return quota.burst * TokenNs(quota); }

// Nanoseconds until one token is there; not positive if it is.
int64_t WaitNs(int64_t full_at_ns, const catalog::Quota& quota, int64_t now_ns) {
  return std::max(full_at_ns, now_ns) + TokenNs(quota) - (now_ns + DepthNs(quota));
}

}  // namespace

int64_t Bucket::Settle(const catalog::Quota& quota, int64_t now_ns) {
  const int64_t empty_ns = now_ns + DepthNs(quota);
  int64_t seen = full_at_ns_.load(std::memory_order_relaxed);
  while (seen > empty_ns) {
    if (full_at_ns_.compare_exchange_weak(seen, empty_ns, std::memory_order_relaxed)) {
      return empty_ns;
    }
  }
  return seen;
}

absl::Duration Bucket::Wait(const catalog::Quota& quota, absl::Time now) {
  const int64_t now_ns = absl::ToUnixNanos(now);
  return absl::Nanoseconds(std::max<int64_t>(WaitNs(Settle(quota, now_ns), quota, now_ns), 0));
}

bool Bucket::Take(const catalog::Quota& quota, absl::Time now) {
  const int64_t now_ns = absl::ToUnixNanos(now);
  int64_t seen = Settle(quota, now_ns);
  while (WaitNs(seen, quota, now_ns) <= 0) {
    const int64_t next = std::max(seen, now_ns) + TokenNs(quota);
    if (full_at_ns_.compare_exchange_weak(seen, next, std::memory_order_relaxed)) return true;
  }
  return false;
}

void Bucket::PutBack(const catalog::Quota& quota) {
  full_at_ns_.fetch_sub(TokenNs(quota), std::memory_order_relaxed);
}

}  // namespace sealward::quota
