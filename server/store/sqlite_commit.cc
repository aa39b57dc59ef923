// SqliteStore::Commit: conditions, operations, events, compaction.
#include <algorithm>

#include "server/store/limits.h"
#include "server/store/sqlite_error.h"
#include "server/store/sqlite_statements.h"
#include "server/store/sqlite_store.h"

namespace sealward::store {

int64_t SqliteStore::ModRevision(absl::string_view key) {
  Run run(statements_->mod_revision);
  return run.Bytes(1, key).Next() ? run.IntAt(0) : 0;
}

absl::StatusOr<int64_t> SqliteStore::Commit(const Transaction& transaction) {
  if (absl::Status status = CheckTransaction(transaction); !status.ok()) return status;
  absl::MutexLock lock(&mu_);
  return CatchSqlite(path_, [&]() -> absl::StatusOr<int64_t> {
    mu_.AssertHeld();
    return CommitLocked(transaction);
  });
}

absl::StatusOr<int64_t> SqliteStore::CommitLocked(const Transaction& transaction) {
  // Rolls back unless it is committed.
  SQLite::Transaction scope(*db_, SQLite::TransactionBehavior::IMMEDIATE);
  for (const Compare& compare : transaction.compares) {
    const int64_t found = ModRevision(compare.key);
    if (found != compare.mod_revision) return ConflictError(compare, found);
  }
  const Counters before = ReadCounters();
  const int64_t revision = before.revision + 1;
  std::vector<absl::string_view> changed;
  for (const Operation& operation : transaction.operations) {
    if (!Apply(operation, revision)) continue;
    Record(operation, revision, static_cast<int64_t>(changed.size()));
    changed.push_back(operation.key);
  }
  if (changed.empty()) return before.revision;
  Advance(revision, std::max(before.compacted, revision - options_.kept_revisions));
  scope.commit();
  // Still under the lock: a watch that read before us is told after it read.
  hub_.Notify(changed);
  return revision;
}

bool SqliteStore::Apply(const Operation& operation, int64_t revision) {
  if (operation.value) {
    Run(statements_->put)
        .Bytes(1, operation.key)
        .Bytes(2, *operation.value)
        .Int(3, revision)
        .Next();
    return true;
  }
  if (ModRevision(operation.key) == 0) return false;
  Run(statements_->erase).Bytes(1, operation.key).Next();
  return true;
}

void SqliteStore::Record(const Operation& operation, int64_t revision, int64_t position) {
  Run run(statements_->record);
  run.Int(1, revision).Int(2, position).Bytes(3, operation.key);
  operation.value ? run.Bytes(4, *operation.value) : run.Null(4);
  run.Next();
}

void SqliteStore::Advance(int64_t revision, int64_t compacted) {
  Run(statements_->advance).Int(1, revision).Int(2, compacted).Next();
  Run(statements_->compact).Int(1, compacted).Next();
}

}  // namespace sealward::store
