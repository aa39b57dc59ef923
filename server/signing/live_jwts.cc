#include "server/signing/live_jwts.h"

#include <algorithm>
#include <limits>

namespace sealward::signing {
namespace {

constexpr uint64_t kCountMask = std::numeric_limits<uint32_t>::max();

uint64_t Pack(int64_t bucket, uint64_t count) {
  return (static_cast<uint64_t>(bucket) << 32) | std::min(count, kCountMask);
}

}  // namespace

SignatureRing::SignatureRing(absl::Duration lifetime)
    : width_us_(std::max<int64_t>(
          absl::ToInt64Microseconds(absl::Seconds(1)),
          absl::ToInt64Microseconds(lifetime) / static_cast<int64_t>(kBuckets - 1) + 1)) {}

void SignatureRing::Count(absl::Time now) {
  const int64_t bucket = absl::ToUnixMicros(now) / width_us_;
  std::atomic<Packed>& slot = buckets_[static_cast<size_t>(bucket) % kBuckets];
  Packed seen = slot.load(std::memory_order_relaxed);
  Packed next = 0;
  do {
    const bool same = seen >> 32 == Pack(bucket, 0) >> 32;
    next = Pack(bucket, same ? (seen & kCountMask) + 1 : 1);
  } while (!slot.compare_exchange_weak(seen, next, std::memory_order_relaxed));
}

int64_t SignatureRing::Live(absl::Time now) const {
  const int64_t current = absl::ToUnixMicros(now) / width_us_;
  int64_t live = 0;
  for (const std::atomic<Packed>& slot : buckets_) {
    const Packed seen = slot.load(std::memory_order_relaxed);
    // The difference of two numbers below 2^32, whatever overflowed.
    const auto age =
        static_cast<uint32_t>(Pack(current, 0) >> 32) - static_cast<uint32_t>(seen >> 32);
    if (age < kBuckets) live += static_cast<int64_t>(seen & kCountMask);
  }
  return live;
}

void LiveJwts::Count(absl::string_view object_id, absl::Duration lifetime, absl::Time now) {
  Shard& shard = shards_[ShardOf(object_id)];
  {
    absl::ReaderMutexLock lock(&shard.mu);
    const auto found = shard.rings.find(object_id);
    if (found != shard.rings.end()) return found->second->Count(now);
  }
  absl::MutexLock lock(&shard.mu);
  if (shard.rings.size() >= kMaxVersionsPerShard) {
    absl::erase_if(shard.rings, [now](const auto& ring) { return ring.second->Live(now) == 0; });
    if (shard.rings.size() >= kMaxVersionsPerShard) return;
  }
  auto& ring = shard.rings[object_id];
  if (ring == nullptr) ring = std::make_unique<SignatureRing>(lifetime);
  ring->Count(now);
}

int64_t LiveJwts::Live(absl::string_view object_id, absl::Time now) const {
  const Shard& shard = shards_[ShardOf(object_id)];
  absl::ReaderMutexLock lock(&shard.mu);
  const auto found = shard.rings.find(object_id);
  return found == shard.rings.end() ? 0 : found->second->Live(now);
}

}  // namespace sealward::signing
