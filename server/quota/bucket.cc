#include "server/quota/bucket.h"

#include <algorithm>

namespace sealward::quota {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;

int64_t TokenNs(const catalog::Quota& quota) {
  return (kNanosPerSecond + quota.per_second - 1) / quota.per_second;
}

// When the bucket will be full, seen at `now`: not in the past, and not later
// than an empty one. At most 10^7 tokens of 1 s are 10^16 ns: now + that is far
// from overflow until the year 2250.
int64_t FullAt(int64_t full_at_ns, const catalog::Quota& quota, int64_t now_ns) {
  return std::clamp(full_at_ns, now_ns, now_ns + quota.burst * TokenNs(quota));
}

// Nanoseconds until one token is there; not positive if it is.
int64_t WaitNs(int64_t full_at_ns, const catalog::Quota& quota, int64_t now_ns) {
  return FullAt(full_at_ns, quota, now_ns) + TokenNs(quota) -
         (now_ns + quota.burst * TokenNs(quota));
}

}  // namespace

absl::Duration Bucket::Wait(const catalog::Quota& quota, absl::Time now) const {
  const int64_t wait_ns =
      WaitNs(full_at_ns_.load(std::memory_order_relaxed), quota, absl::ToUnixNanos(now));
  return absl::Nanoseconds(std::max<int64_t>(wait_ns, 0));
}

bool Bucket::Take(const catalog::Quota& quota, absl::Time now) {
  const int64_t now_ns = absl::ToUnixNanos(now);
  int64_t seen = full_at_ns_.load(std::memory_order_relaxed);
  while (WaitNs(seen, quota, now_ns) <= 0) {
    const int64_t next = FullAt(seen, quota, now_ns) + TokenNs(quota);
    if (full_at_ns_.compare_exchange_weak(seen, next, std::memory_order_relaxed)) return true;
  }
  return false;
}

void Bucket::PutBack(const catalog::Quota& quota) {
  full_at_ns_.fetch_sub(TokenNs(quota), std::memory_order_relaxed);
}

}  // namespace sealward::quota
