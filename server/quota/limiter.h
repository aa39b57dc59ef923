// Whether a signature is within the quotas of its key and its tenant.
#ifndef SEALWARD_SERVER_QUOTA_LIMITER_H_
#define SEALWARD_SERVER_QUOTA_LIMITER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/catalog/snapshot.h"
#include "server/quota/bucket.h"

namespace sealward::quota {

// What Limiter::Admit says.
struct Admission {
  absl::Status status;
  // Refused, and more than the quota allows to sign was refused, too: whoever asks does
  // not slow down, and should be answered late (server/api/held_answers.h).
  bool floods = false;
};

// Limiter has buckets for each tenant and key with a quota, by resource name,
// so that what was used stays used while snapshots come and go.
//
// Its table of buckets is immutable; one that lacks a bucket is replaced by that
// of the caller's snapshot. So there are never more buckets than resources with
// a quota in one snapshot, and what lost its quota is forgotten with the next
// replacement.
//
// Threads: any. A call takes no lock but where the table was replaced since the
// thread's last call; where there is no quota it is one branch.
class Limiter {
 public:
  Limiter();
  Limiter(const Limiter&) = delete;
  Limiter& operator=(const Limiter&) = delete;

  // Counts one signature by `key`, of `snapshot`, against the quotas of the key
  // and of its tenant: against both or, refused, against neither.
  // status: RESOURCE_EXHAUSTED (QUOTA_EXCEEDED) with a QuotaFailure violation for each
  // quota that has no room, its subject the resource's name, and RetryInfo: when
  // both have.
  Admission Admit(const catalog::Snapshot& snapshot, const catalog::Key& key, absl::Time now) {
    if (key.quota.per_second == 0 && key.tenant->quota.per_second == 0) return {};
    return AdmitBounded(snapshot, key, now);
  }

  // Quotas whose buckets are kept.
  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // What a quota bounds: signatures, and as many prompt refusals.
  struct Use {
    Bucket admitted;
    Bucket refused;
  };
  using Buckets = absl::flat_hash_map<std::string, std::shared_ptr<Use>>;
  struct Table {
    int64_t revision = -1;  // of the snapshot that it was made for
    Buckets buckets;
  };

  // The uses that bound a key; null where there is no bound.
  struct Bounds {
    Use* key = nullptr;
    Use* tenant = nullptr;
    // Whether `table` has all that the quotas call for.
    static bool Find(const Table& table, const catalog::Key& key, Bounds& out);
  };

  Admission AdmitBounded(const catalog::Snapshot& snapshot, const catalog::Key& key,
                         absl::Time now);
  // The newest table; valid until the calling thread's next call.
  const Table& Current() ABSL_LOCKS_EXCLUDED(mu_);
  // Makes the table that of `snapshot`, if that is newer.
  void Replace(const catalog::Snapshot& snapshot) ABSL_LOCKS_EXCLUDED(mu_);
  void Show(std::shared_ptr<const Table> table) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Number of the newest table, unlike that of any other limiter's: by it a
  // thread sees whether the table that it holds is still the newest.
  std::atomic<uint64_t> generation_{0};
  mutable absl::Mutex mu_;
  std::shared_ptr<const Table> table_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::quota

#endif  // SEALWARD_SERVER_QUOTA_LIMITER_H_
