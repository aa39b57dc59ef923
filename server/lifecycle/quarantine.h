// Objects of a partition that no version owns.
#ifndef SEALWARD_SERVER_LIFECYCLE_QUARANTINE_H_
#define SEALWARD_SERVER_LIFECYCLE_QUARANTINE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/resource_name.h"
#include "sealward/v1/jwk.pb.h"
#include "server/catalog/catalog.h"
#include "server/hsm_client/partitions.h"
#include "server/lifecycle/epochs.h"
#include "server/lifecycle/key_manager.h"
#include "server/lifecycle/margins.h"

namespace sealward::lifecycle {

// Objects that are being destroyed at a time, over all partitions, and for how many a
// pass of a driver does something.
inline constexpr size_t kMaxPurges = 1000;
inline constexpr size_t kMaxPurgesPerPass = 4;

// Quarantined is one such object.
struct Quarantined {
  std::string name;       // partitions/{partition}/quarantinedObjects/{CKA_ID}
  std::string object_id;  // CKA_ID
  std::string key;        // in its label
  hsm::v1::ObjectPurpose purpose = hsm::v1::OBJECT_PURPOSE_UNSPECIFIED;  // in its label
  const AlgorithmInfo* algorithm = nullptr;  // nullptr: none that is known
  std::string spki;
  v1::PublicJwk jwk;       // empty where algorithm and spki make none
  absl::Status adoptable;  // OK, or FAILED_PRECONDITION (NOT_ADOPTABLE) and why not
  absl::Time destroy_due = absl::InfiniteFuture();  // of a purge
};

// QuarantinePage is a part of what a partition has of them, in name order.
struct QuarantinePage {
  std::vector<Quarantined> objects;
  std::string next;  // CKA_ID to go on after; empty on the last page
  uint32_t unattributable = 0;
};

// Quarantine lists, adopts and purges such objects. Reconciliation only reports them: a
// kill during a generation leaves one behind, and so does a store from a backup. What is
// to become of it a person decides. Thread-safe; everything blocks on store and HSM.
//
// An object is adopted only as a version of the key in its label, if that key is in this
// partition, and never if the partition has a mark for it (revoked, destroyed, or to be),
// or its id or its kid is another's. An HSM without marks cannot say that, so nothing of
// it is adopted. A purge is recorded, marked in the partition, and carried out by the
// driver once its window is over; a record and an owner exclude each other by the
// conditions of both commits.
//
// Errors, besides those named: NOT_FOUND (NOT_FOUND), as CallHsm, and the store's;
// ABORTED: decide again.
class Quarantine {
 public:
  // All pointers outlive it.
  struct Options {
    catalog::Catalog* catalog = nullptr;
    const hsm_client::Partitions* partitions = nullptr;
    const Clock* clock = nullptr;  // lifecycle time
    telemetry::Metrics* metrics = nullptr;
    Epochs* epochs = nullptr;
    KeyManager* manager = nullptr;  // told of what happens to a key; its WallNow is for deadlines
    // As KeyManager::Options::stamp.
    std::function<void(store::Transaction&)> stamp = nullptr;
    Margins margins = {};
  };
  explicit Quarantine(Options options) : options_(std::move(options)) {}

  // At most `limit` of a partition's objects after the CKA_ID `after`. A page may be
  // shorter and not the last. RESOURCE_EXHAUSTED beyond kMaxReconcilePages.
  absl::StatusOr<QuarantinePage> List(absl::string_view partition, absl::string_view after,
                                      size_t limit, absl::Time deadline) const;

  // One of them.
  absl::StatusOr<Quarantined> Get(const QuarantinedObjectName& name, absl::Time deadline) const;

  // Makes it a new version of its key, published now, after it was read and judged anew.
  // `amend` adds what must be committed along (an approval). The number of the version.
  // FAILED_PRECONDITION (NOT_ADOPTABLE); ABORTED also where it is not as it was seen; of
  // Epochs::CheckUsable.
  absl::StatusOr<int64_t> Adopt(const Quarantined& seen, absl::Time deadline,
                                KeyManager::Amend amend) const;

  // Records that it is to be destroyed, which Advance then does, and returns from when
  // on. RESOURCE_EXHAUSTED (TOO_MANY_PURGES) beyond kMaxPurges; UNIMPLEMENTED
  // (HSM_CANNOT_DESTROY) where the HSM has no marks; of Epochs::CheckUsable: what an old
  // store takes for nobody's may be in use.
  absl::StatusOr<absl::Time> Purge(const Quarantined& seen, absl::string_view purger,
                                   KeyManager::Amend amend) const;

  // Does what is due for the purges of a partition: the mark, the destruction, the end of
  // the record; for kMaxPurgesPerPass objects. Returns when to ask again. An HSM that
  // does not answer ends it; of other errors the first is returned.
  absl::StatusOr<absl::Time> Advance(const hsm_client::Partitions::Named& partition) const;

 private:
  absl::StatusOr<hsm_client::Partition*> FindPartition(absl::string_view name) const;
  Quarantined Describe(const hsm::v1::PublicKey& object, absl::string_view partition) const;
  absl::StatusOr<absl::Status> Judge(const Quarantined& object, absl::string_view partition,
                                     absl::Time deadline) const;
  absl::Status JudgeByStore(const Quarantined& object, absl::string_view partition) const;
  absl::Status ReadAgain(const Quarantined& seen, hsm_client::Partition& partition,
                         absl::Time deadline) const;
  absl::Status AdvanceOne(const catalog::QuarantinedObject& purge, hsm_client::Partition& partition,
                          bool owned) const;
  absl::Status Mark(const catalog::QuarantinedObject& purge, const hsm::v1::ObjectRef& object,
                    hsm_client::Partition& partition) const;
  absl::Status Destroy(const catalog::QuarantinedObject& purge, const hsm::v1::ObjectRef& object,
                       hsm_client::Partition& partition) const;
  absl::Status Replace(const catalog::QuarantinedObject& next) const;
  absl::Status End(const catalog::QuarantinedObject& purge, absl::string_view event) const;
  absl::StatusOr<int64_t> Commit(store::Transaction transaction) const;

  const Options options_;
};

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_QUARANTINE_H_
