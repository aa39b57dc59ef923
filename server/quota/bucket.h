// One token bucket: the generic cell rate algorithm (ITU-T I.371 annex A) with
// one atomic word of state.
#ifndef SEALWARD_SERVER_QUOTA_BUCKET_H_
#define SEALWARD_SERVER_QUOTA_BUCKET_H_

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "server/catalog/snapshot.h"

namespace sealward::quota {

// Bucket remembers how much of a quota is used; the quota itself is handed to
// each call, so that a changed one holds from the next call on. It starts full.
//
// Its state is the time at which it will be full again, in nanoseconds since
// 1970: a token put in costs nothing, time does it. A token is
// 1 s / per_second, rounded up to whole nanoseconds: never more than the quota,
// and less by at most 0.1 % at 1,000,000 a second.
//
// A clock that jumps back, or a quota that shrinks, leaves the bucket empty, not
// in debt: who asks again waits for one token at most.
//
// Threads: any, without locks.
class Bucket {
 public:
  // How long until a token is there: zero if there is one now. REQUIRES:
  // `quota` has a bound, within the limits of the API.
  absl::Duration Wait(const catalog::Quota& quota, absl::Time now);

  // Takes a token if there is one; whether it did. REQUIRES: as Wait.
  bool Take(const catalog::Quota& quota, absl::Time now);

  // Puts back the token that Take has just taken under the same quota.
  void PutBack(const catalog::Quota& quota);

 private:
  // The state, brought down to that of an empty bucket where it is later.
  int64_t Settle(const catalog::Quota& quota, int64_t now_ns);

  std::atomic<int64_t> full_at_ns_{0};
};

}  // namespace sealward::quota

#endif  // SEALWARD_SERVER_QUOTA_BUCKET_H_
