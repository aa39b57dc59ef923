// The embedded engine: a SQLite database that belongs to one server.
#ifndef SEALWARD_SERVER_STORE_SQLITE_STORE_H_
#define SEALWARD_SERVER_STORE_SQLITE_STORE_H_

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "server/store/leases.h"
#include "server/store/lock_file.h"
#include "server/store/store.h"
#include "server/store/watch_hub.h"

namespace sealward::store {

// Revisions whose changes are kept for watches; older ones are compacted away.
inline constexpr int64_t kKeptRevisions = 10'000;

struct SqliteStatements;

// SqliteOptions are for tests.
struct SqliteOptions {
  int64_t kept_revisions = kKeptRevisions;
  int64_t max_pages = 0;  // PRAGMA max_page_count; 0: as many as the disk takes
};

// SqliteStore is a store in one SQLite file (WAL, synchronous=FULL: what Commit
// returned is on disk). Revisions count commits that changed something; one
// that changes nothing returns the present revision.
//
// One process at a time has it (LockFile). A kill at any instruction leaves the
// transactions up to some commit, whole. One connection does everything, one
// call at a time: reads are rare, because server/catalog keeps them in memory.
class SqliteStore final : public Store {
 public:
  enum class Mode { kCreate, kExisting };

  // Opens the store at `path`. kCreate makes it, together with its directory
  // (not the one above), and refuses one that was ever written to. Errors:
  // those of LockFile::Take, CreateDatabase and OpenDatabase, and UNAVAILABLE
  // (STORE_FULL). REQUIRES: `clock` outlives the store; the store outlives its
  // watches.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(const std::string& path, Mode mode,
                                                           const Clock* clock,
                                                           const SqliteOptions& options = {});
  ~SqliteStore() override;

  absl::StatusOr<std::optional<Entry>> Get(absl::string_view key) override;
  absl::StatusOr<Page> List(absl::string_view prefix, absl::string_view start_after,
                            int limit) override;
  absl::StatusOr<int64_t> Commit(const Transaction& transaction) override;
  absl::StatusOr<std::unique_ptr<Watch>> WatchPrefix(absl::string_view prefix,
                                                     int64_t revision) override;
  absl::StatusOr<int64_t> Revision() override;
  absl::StatusOr<std::unique_ptr<Leadership>> Lead(absl::string_view name, absl::string_view holder,
                                                   absl::Duration ttl) override;

 private:
  class SqliteWatch;
  struct Counters {
    int64_t revision = 0;
    int64_t compacted = 0;  // the last revision whose changes are gone
  };

  SqliteStore(std::string path, std::unique_ptr<LockFile> lock,
              std::unique_ptr<SQLite::Database> db, const Clock* clock,
              const SqliteOptions& options);

  Counters ReadCounters() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int64_t ModRevision(absl::string_view key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whether there was anything to change.
  bool Apply(const Operation& operation, int64_t revision) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Record(const Operation& operation, int64_t revision, int64_t position)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Advance(int64_t revision, int64_t compacted) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<int64_t> CommitLocked(const Transaction& transaction)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Changes below `prefix` after `position`, which moves behind them.
  absl::StatusOr<std::vector<Event>> ReadEvents(const std::string& prefix, int64_t& position);

  const std::string path_;
  const std::unique_ptr<LockFile> lock_;
  const SqliteOptions options_;
  const std::shared_ptr<Leases> leases_;
  WatchHub hub_;
  absl::Mutex mu_;
  const std::unique_ptr<SQLite::Database> db_ ABSL_PT_GUARDED_BY(mu_);
  const std::unique_ptr<SqliteStatements> statements_ ABSL_PT_GUARDED_BY(mu_);
};

}  // namespace sealward::store

#endif  // SEALWARD_SERVER_STORE_SQLITE_STORE_H_
