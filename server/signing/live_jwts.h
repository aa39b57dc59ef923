// How many JWTs of a version may still be valid.
#ifndef SEALWARD_SERVER_SIGNING_LIVE_JWTS_H_
#define SEALWARD_SERVER_SIGNING_LIVE_JWTS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace sealward::signing {

// SignatureRing counts signatures in buckets of time, as many as a JWT can live, and
// forgets older ones by writing over them. Lock-free; 264 bytes.
class SignatureRing {
 public:
  // Buckets of one lifetime, and one more: the first is cut.
  static constexpr size_t kBuckets = 32;

  // `lifetime`: of the longest JWT; positive.
  explicit SignatureRing(absl::Duration lifetime);

  // One signature, at `now`. Allocates nothing.
  void Count(absl::Time now);

  // Signatures since `now` − lifetime. At most one bucket's (lifetime / 31) too many,
  // never too few, unless a signature was counted more than a lifetime late.
  int64_t Live(absl::Time now) const;

 private:
  // Number of the bucket since the epoch (upper half) and signatures in it.
  using Packed = uint64_t;

  const int64_t width_us_;
  std::array<std::atomic<Packed>, kBuckets> buckets_{};
};

// LiveJwts has a ring for each version that has signed since the server started. Beyond
// its limit versions that have nothing alive make room; a version that finds none is not
// counted. Thread-safe; Count costs a lock that only the first signature of a version
// takes for writing.
class LiveJwts {
 public:
  static constexpr size_t kShards = 16;
  static constexpr size_t kMaxVersionsPerShard = 4096;

  // One signature of the version with this CKA_ID, whose JWTs live at most `lifetime`.
  void Count(absl::string_view object_id, absl::Duration lifetime, absl::Time now);

  // Its signatures that may not have expired at `now`; 0 if none were counted.
  int64_t Live(absl::string_view object_id, absl::Time now) const;

 private:
  struct Shard {
    mutable absl::Mutex mu;
    absl::flat_hash_map<std::string, std::unique_ptr<SignatureRing>> rings ABSL_GUARDED_BY(mu);
  };

  // Ids are random: any byte will do.
  static size_t ShardOf(absl::string_view object_id) {
    return object_id.empty() ? 0 : static_cast<unsigned char>(object_id.back()) % kShards;
  }

  std::array<Shard, kShards> shards_;
};

}  // namespace sealward::signing

#endif  // SEALWARD_SERVER_SIGNING_LIVE_JWTS_H_
