// HSM and store are two systems; this compares them.
#ifndef SEALWARD_SERVER_LIFECYCLE_RECONCILE_H_
#define SEALWARD_SERVER_LIFECYCLE_RECONCILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/catalog/catalog.h"
#include "server/hsm_client/partitions.h"

namespace sealward::lifecycle {

// Objects asked for at once, and pages read; more than 16 million objects are
// an error.
inline constexpr uint32_t kReconcilePageSize = 256;
inline constexpr int kMaxReconcilePages = 65'536;

// ReconcileReport is where partition and catalog disagree.
struct ReconcileReport {
  // Versions (resource names) that should have an object and have none. Those that are
  // to be destroyed need none.
  std::vector<std::string> missing;
  // Versions whose object has another public key, algorithm or label than the
  // catalog says, and the CKA_IDs of those objects. They must not sign.
  std::vector<std::string> mismatched;
  absl::flat_hash_set<std::string> withheld;
  // CKA_IDs, in hexadecimal, of objects that no version owns, or only a DESTROYED one.
  std::vector<std::string> unknown;
  // Objects that look like ours but cannot be told apart (hsm.proto, ObjectList).
  uint32_t unattributable = 0;
  size_t objects = 0;

  // For people, one line; empty if nothing is wrong. Unattributable and unknown
  // objects are no alarm: a kill during a generation leaves them behind.
  std::string Alarm() const;
};

// Compares every object of the partition with the catalog's keys of the tenants
// that are bound to it; another tenant's key in it is unknown there. Blocks.
// Versions that come to be meanwhile are no difference. Errors as Partition;
// RESOURCE_EXHAUSTED beyond kMaxReconcilePages.
absl::StatusOr<ReconcileReport> Reconcile(const catalog::Catalog& catalog,
                                          const hsm_client::Partitions::Named& partition,
                                          absl::Time deadline);

// Withheld is the newest report of each partition, for those who must act on
// it: the sign path refuses what is withheld, status shows the alarms.
// Thread-safe.
class Withheld {
 public:
  // Whether the version with this CKA_ID must not sign. One lock, no copy.
  bool Contains(absl::string_view object_id) const;
  std::string Alarm(absl::string_view partition) const;
  // The newest report; an empty one where the partition was never compared.
  ReconcileReport Report(absl::string_view partition) const;
  // Replaces the report of `partition`.
  void Set(absl::string_view partition, const ReconcileReport& report);

 private:
  mutable absl::Mutex mu_;
  absl::flat_hash_map<std::string, ReconcileReport> reports_ ABSL_GUARDED_BY(mu_);
  // Of all partitions: ids are random, so one set will do.
  absl::flat_hash_set<std::string> object_ids_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_RECONCILE_H_
