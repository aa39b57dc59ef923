// Whether each partition may be used with this store: the epoch (DESIGN.md section 4).
#ifndef SEALWARD_SERVER_LIFECYCLE_EPOCHS_H_
#define SEALWARD_SERVER_LIFECYCLE_EPOCHS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "server/catalog/catalog.h"
#include "server/hsm_client/partitions.h"
#include "server/lifecycle/witness.h"
#include "server/telemetry/metrics.h"

namespace sealward::lifecycle {

// How long a partition may take to say what it knows, and to note an epoch.
inline constexpr absl::Duration kWitnessTimeout = absl::Seconds(30);
inline constexpr absl::Duration kEpochTimeout = absl::Seconds(5);
// How soon a partition that could not be asked is asked again.
inline constexpr absl::Duration kWitnessRetryDelay = absl::Seconds(1);

// What a partition has said of the store.
enum class Witness {
  kUnasked,     // nothing yet: it signs nothing
  kConfirmed,   // the store is not older
  kNone,        // the profile has no data objects: it cannot tell
  kStoreOlder,  // it signs nothing until persons recover it
};

// Epochs lets a partition be used only with a store that is not older than it. The
// store commits first and the partition notes the commit afterwards, so a kill in
// between leaves the store newer, which is harmless and made up for by Verify.
//
// That a store is older is remembered in the store itself: a restart, or changes made
// while the partition is out of reach, do not hide it. What the partition remembers as
// revoked or destroyed is taken over at once, because it is true whatever persons
// decide; all else waits for Recover.
//
// Threads: every call from any thread. CheckUsable never blocks, one atomic a
// partition; the others block on the store and the HSM.
class Epochs {
 public:
  // All pointers outlive it.
  struct Options {
    catalog::Catalog* catalog = nullptr;
    const hsm_client::Partitions* partitions = nullptr;
    const Clock* clock = nullptr;
    telemetry::Metrics* metrics = nullptr;
    std::function<std::string(size_t count)> random;  // bytes that nobody can guess
  };
  explicit Epochs(Options options);
  Epochs(const Epochs&) = delete;
  Epochs& operator=(const Epochs&) = delete;

  // Gives a store without lineage one. Before the first Verify.
  absl::Status EnsureLineage();

  // Whether the partition may sign and be worked on. FAILED_PRECONDITION
  // (STORE_OLDER_THAN_PARTITION); UNAVAILABLE with RetryInfo (HSM_UNAVAILABLE) before
  // it could be asked. A partition that is not of Options::partitions may not.
  absl::Status CheckUsable(const hsm_client::Partition& partition) const;
  Witness WitnessOf(absl::string_view partition) const;

  // Asks a partition that was not asked yet, and makes up for an epoch that it missed.
  // OK if it may be used. Errors as CheckUsable, the partition's and the store's.
  absl::Status Verify(absl::string_view partition);

  // Has the partition note `revision`, a commit of its keys; nothing where it has.
  // Callers that come together share one call. A failure is logged and counted, and
  // the commit stands: until AdvanceToNewest has made up for it Advance does nothing, so
  // that who revokes a thousand keys does not wait a thousand times for an HSM that hangs.
  void Advance(absl::string_view partition, int64_t revision);
  // Has it note the newest commit of its keys; costs nothing if nothing was committed.
  void AdvanceToNewest(absl::string_view partition);

  // Accepts the store as it is: sealward.v1.OperationsService.RecoverPartition.
  // `amend` adds to the transaction that does it. The versions that are REVOKED or
  // DESTROYED because the partition says so. Where the partition fails afterwards, it
  // is recovered all the same and used once it answers. NOT_FOUND;
  // FAILED_PRECONDITION (NOT_ROLLED_BACK); ABORTED: decide again.
  absl::StatusOr<std::vector<std::string>> Recover(
      absl::string_view partition, bool validate_only,
      absl::FunctionRef<void(store::Transaction&)> amend);

 private:
  struct Entry {
    std::string name;
    hsm_client::Partition* partition = nullptr;
    int64_t loaded_revision = 0;  // EpochRevision when the server started
    std::atomic<Witness> witness = Witness::kUnasked;
    std::atomic<int64_t> wanted = 0;     // newest commit that was to be noted
    std::atomic<int64_t> looked_at = 0;  // snapshot of the last AdvanceToNewest
    std::atomic<bool> behind = false;    // the last note failed
    absl::Mutex mu;
    int64_t noted ABSL_GUARDED_BY(mu) = 0;  // by the partition, as far as we know
    bool tombstones_taken ABSL_GUARDED_BY(mu) = false;
  };

  Entry* Find(absl::string_view partition) const;
  catalog::PartitionMemory MemoryOf(absl::string_view partition) const;
  std::set<std::string> AllPartitions(const catalog::Snapshot& snapshot) const;
  absl::Status Commit(const store::Transaction& transaction);
  absl::Status Remember(const catalog::PartitionMemory& memory);
  absl::Status VerifyLocked(Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(entry.mu);
  absl::Status RememberUnasked(Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(entry.mu);
  absl::Status RollBack(Entry& entry, const Testimony& testimony, std::string why)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(entry.mu);
  absl::Status TakeTombstones(Entry& entry, const Testimony& testimony)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(entry.mu);
  absl::Status Note(Entry& entry, int64_t revision) ABSL_EXCLUSIVE_LOCKS_REQUIRED(entry.mu);
  absl::Status Confirm(Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(entry.mu);
  void AdvanceEntry(Entry& entry, int64_t revision);
  void NotNoted(Entry& entry, const absl::Status& why);
  absl::StatusOr<std::vector<std::string>> RecoverOne(
      Entry& entry, bool validate_only, absl::FunctionRef<void(store::Transaction&)> amend);
  store::Transaction NewLineage(const Entry& entry, const hsm::v1::Epoch& epoch) const;
  std::vector<std::string> EndedVersions(const Entry& entry, const Testimony& testimony) const;

  const Options options_;
  std::vector<std::unique_ptr<Entry>> entries_;  // not changed after
};

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_EPOCHS_H_
