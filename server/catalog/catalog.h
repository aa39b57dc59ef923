// The catalog: the store's records as a snapshot that is swapped as a whole.
#ifndef SEALWARD_SERVER_CATALOG_CATALOG_H_
#define SEALWARD_SERVER_CATALOG_CATALOG_H_

#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/catalog/changes.h"
#include "server/catalog/snapshot.h"
#include "server/store/store.h"

namespace sealward::catalog {

// Catalog keeps a Snapshot in step with a store.
//
// Threads: Get may be called from any thread and never blocks for long; the
// other calls may block on the store and are serialised.
class Catalog {
 public:
  // Loads everything. DATA_LOSS, naming the store key, for a record that does
  // not parse or refers to what is not there. `margins` are those of every issuer.
  // REQUIRES: `store` outlives it.
  static absl::StatusOr<std::unique_ptr<Catalog>> Load(store::Store* store,
                                                       const lifecycle::Margins& margins = {});

  // The newest snapshot; never null.
  std::shared_ptr<const Snapshot> Get() const;

  // Commits to the store and, before it returns, makes Get show at least the
  // new revision: whoever commits reads what they wrote. Errors as
  // store::Store::Commit; INTERNAL (CATALOG_STALE) if the transaction was
  // committed but could not be read back.
  absl::StatusOr<int64_t> Commit(const store::Transaction& transaction);

  // Applies what others have committed since. After an error the snapshot is
  // the last good one, and the next call loads everything again.
  absl::Status CatchUp();

  ~Catalog();

 private:
  Catalog(store::Store* store, const lifecycle::Margins& margins)
      : store_(store), margins_(margins) {}

  // Makes the snapshot show all that is in the store, at least to `revision`.
  absl::Status Apply(int64_t revision) ABSL_EXCLUSIVE_LOCKS_REQUIRED(apply_mu_);
  // As Apply, from the changes since the last call.
  absl::Status Follow(int64_t revision) ABSL_EXCLUSIVE_LOCKS_REQUIRED(apply_mu_);
  // As Apply, from nothing.
  absl::Status Reload(int64_t revision) ABSL_EXCLUSIVE_LOCKS_REQUIRED(apply_mu_);
  // Adds what the watch has to `changes`; `revision` becomes that of the last.
  absl::Status Drain(Changes& changes, int64_t& revision) ABSL_EXCLUSIVE_LOCKS_REQUIRED(apply_mu_);
  void Show(std::shared_ptr<const Snapshot> snapshot);

  store::Store* const store_;
  const lifecycle::Margins margins_;
  absl::Mutex apply_mu_;
  std::unique_ptr<store::Watch> watch_ ABSL_GUARDED_BY(apply_mu_);
  mutable absl::Mutex mu_;
  std::shared_ptr<const Snapshot> snapshot_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_CATALOG_H_
