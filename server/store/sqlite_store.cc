#include "server/store/sqlite_store.h"

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/store/limits.h"
#include "server/store/sqlite_error.h"
#include "server/store/sqlite_open.h"

namespace sealward::store {

struct SqliteStore::Statements {
  explicit Statements(SQLite::Database& db)
      : counters(db, "SELECT revision, compacted_revision FROM meta"),
        get(db, "SELECT key, value, create_revision, mod_revision FROM entries WHERE key = ?1"),
        list(db,
             "SELECT key, value, create_revision, mod_revision FROM entries "
             "WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3"),
        mod_revision(db, "SELECT mod_revision FROM entries WHERE key = ?1"),
        put(db,
            "INSERT INTO entries VALUES (?1, ?2, ?3, ?3) ON CONFLICT (key) DO UPDATE "
            "SET value = excluded.value, mod_revision = excluded.mod_revision"),
        erase(db, "DELETE FROM entries WHERE key = ?1"),
        record(db, "INSERT INTO events VALUES (?1, ?2, ?3, ?4)"),
        advance(db, "UPDATE meta SET revision = ?1, compacted_revision = ?2"),
        compact(db, "DELETE FROM events WHERE revision <= ?1"),
        events(db,
               "SELECT revision, key, value FROM events WHERE revision > ?1 AND key >= ?2 "
               "AND key < ?3 ORDER BY revision, position LIMIT ?4") {}

  SQLite::Statement counters, get, list, mod_revision, put, erase, record, advance, compact, events;
};

namespace {

// Run is one use of a compiled statement.
class Run {
 public:
  explicit Run(SQLite::Statement& statement) : statement_(statement) {}
  ~Run() { statement_.tryReset(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // The bytes must live as long as the run.
  Run& Bytes(int index, absl::string_view bytes) {
    // A null pointer would bind NULL instead of no bytes.
    statement_.bindNoCopy(index, bytes.empty() ? "" : bytes.data(), static_cast<int>(bytes.size()));
    return *this;
  }
  Run& Int(int index, int64_t value) {
    statement_.bind(index, value);
    return *this;
  }
  Run& Null(int index) {
    statement_.bind(index);
    return *this;
  }

  bool Next() { return statement_.executeStep(); }
  int64_t IntAt(int column) { return statement_.getColumn(column).getInt64(); }
  bool NullAt(int column) { return statement_.getColumn(column).isNull(); }
  std::string BytesAt(int column) {
    const SQLite::Column cell = statement_.getColumn(column);
    const auto* bytes = static_cast<const char*>(cell.getBlob());
    return bytes == nullptr ? std::string()
                            : std::string(bytes, static_cast<size_t>(cell.getBytes()));
  }
  Entry EntryHere() { return Entry{BytesAt(0), BytesAt(1), IntAt(2), IntAt(3)}; }

 private:
  SQLite::Statement& statement_;
};

}  // namespace

// SqliteWatch remembers how far it has read; the events are in the store.
class SqliteStore::SqliteWatch final : public Watch {
 public:
  SqliteWatch(SqliteStore* store, absl::string_view prefix, int64_t position)
      : store_(store), prefix_(prefix), position_(position), bell_(&store->hub_, prefix) {}

  absl::StatusOr<std::vector<Event>> Poll(absl::Duration timeout) override;
  void Cancel() override { bell_.Cancel(); }

 private:
  absl::Status Cancelled() const {
    return absl::CancelledError(absl::StrCat("the watch of store ", store_->path_, " was ended"));
  }

  SqliteStore* const store_;
  const std::string prefix_;
  int64_t position_;
  WatchHub::Subscription bell_;
};

absl::StatusOr<std::vector<Event>> SqliteStore::SqliteWatch::Poll(absl::Duration timeout) {
  using Wake = WatchHub::Subscription::Wake;
  bell_.Clear();
  if (bell_.Wait(absl::ZeroDuration()) == Wake::kCancelled) return Cancelled();
  auto events = store_->ReadEvents(prefix_, position_);
  if (!events.ok() || !events->empty()) return events;
  switch (bell_.Wait(timeout)) {
    case Wake::kCancelled:
      return Cancelled();
    case Wake::kTimedOut:
      return events;
    case Wake::kChanged:
      return store_->ReadEvents(prefix_, position_);
  }
  return events;
}

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(const std::string& path, Mode mode,
                                                               const Clock* clock,
                                                               const SqliteOptions& options) {
  std::error_code error;
  // Absolute, because SQLite reads a name that starts with "file:" as a URI.
  const std::string full = std::filesystem::absolute(path, error).lexically_normal().string();
  if (error || path.empty()) return FileError(path, ENOENT);
  const bool create = mode == Mode::kCreate;
  const absl::Status place = create ? MakeStoreDirectory(full) : CheckStoreExists(full);
  if (!place.ok()) return place;
  auto lock = LockFile::Take(full);
  if (!lock.ok()) return lock.status();
  auto db = create ? CreateDatabase(full) : OpenDatabase(full);
  if (!db.ok()) return db.status();
  return CatchSqlite(full, [&]() -> absl::StatusOr<std::unique_ptr<SqliteStore>> {
    if (options.max_pages > 0) {
      (*db)->execAndGet(absl::StrCat("PRAGMA max_page_count = ", options.max_pages));
    }
    return std::unique_ptr<SqliteStore>(
        new SqliteStore(full, *std::move(lock), *std::move(db), clock, options));
  });
}

SqliteStore::SqliteStore(std::string path, std::unique_ptr<LockFile> lock,
                         std::unique_ptr<SQLite::Database> db, const Clock* clock,
                         const SqliteOptions& options)
    : path_(std::move(path)),
      lock_(std::move(lock)),
      options_(options),
      leases_(Leases::Create(clock)),
      db_(std::move(db)),
      statements_(std::make_unique<Statements>(*db_)) {}

SqliteStore::~SqliteStore() = default;

SqliteStore::Counters SqliteStore::ReadCounters() {
  Run run(statements_->counters);
  if (!run.Next()) throw SQLite::Exception("the row of counters is missing", SQLITE_CORRUPT);
  return Counters{run.IntAt(0), run.IntAt(1)};
}

int64_t SqliteStore::ModRevision(absl::string_view key) {
  Run run(statements_->mod_revision);
  return run.Bytes(1, key).Next() ? run.IntAt(0) : 0;
}

absl::StatusOr<std::optional<Entry>> SqliteStore::Get(absl::string_view key) {
  if (absl::Status status = CheckKey(key); !status.ok()) return status;
  absl::MutexLock lock(&mu_);
  return CatchSqlite(path_, [&]() -> absl::StatusOr<std::optional<Entry>> {
    mu_.AssertHeld();
    Run run(statements_->get);
    if (!run.Bytes(1, key).Next()) return std::nullopt;
    return run.EntryHere();
  });
}

absl::StatusOr<Page> SqliteStore::List(absl::string_view prefix, absl::string_view start_after,
                                       int limit) {
  if (absl::Status status = CheckList(prefix, start_after, limit); !status.ok()) return status;
  const std::string start = ListStart(prefix, start_after);
  const std::string end = PrefixEnd(prefix);
  absl::MutexLock lock(&mu_);
  return CatchSqlite(path_, [&]() -> absl::StatusOr<Page> {
    mu_.AssertHeld();
    Page page;
    page.revision = ReadCounters().revision;
    Run run(statements_->list);
    run.Bytes(1, start).Bytes(2, end).Int(3, limit + 1);
    while (run.Next()) {
      if (page.entries.size() == static_cast<size_t>(limit)) {
        page.more = true;
        break;
      }
      page.entries.push_back(run.EntryHere());
    }
    return page;
  });
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

absl::StatusOr<std::unique_ptr<Watch>> SqliteStore::WatchPrefix(absl::string_view prefix,
                                                                int64_t revision) {
  if (absl::Status status = CheckWatch(prefix, revision); !status.ok()) return status;
  absl::MutexLock lock(&mu_);
  return CatchSqlite(path_, [&]() -> absl::StatusOr<std::unique_ptr<Watch>> {
    mu_.AssertHeld();
    const int64_t start = revision > 0 ? revision : ReadCounters().compacted;
    return std::make_unique<SqliteWatch>(this, prefix, start);
  });
}

absl::StatusOr<std::vector<Event>> SqliteStore::ReadEvents(const std::string& prefix,
                                                           int64_t& position) {
  const std::string end = PrefixEnd(prefix);
  absl::MutexLock lock(&mu_);
  return CatchSqlite(path_, [&]() -> absl::StatusOr<std::vector<Event>> {
    mu_.AssertHeld();
    const Counters counters = ReadCounters();
    if (position < counters.compacted) {
      return MakeError(absl::StatusCode::kOutOfRange, "STORE_COMPACTED",
                       absl::StrCat("changes after revision ", position, " of store ", path_,
                                    " are gone up to ", counters.compacted, ": list again"));
    }
    std::vector<Event> events;
    Run run(statements_->events);
    run.Int(1, position).Bytes(2, prefix).Bytes(3, end).Int(4, kMaxEventsPerPoll + 1);
    while (run.Next()) {
      Event event{run.BytesAt(1), std::nullopt, run.IntAt(0)};
      if (!run.NullAt(2)) event.value = run.BytesAt(2);
      events.push_back(std::move(event));
    }
    if (events.size() <= kMaxEventsPerPoll) {
      // To the present, so that changes elsewhere do not age an idle watch.
      position = std::max(position, counters.revision);
      return events;
    }
    // The last transaction may go on behind the limit: it is left for the next poll.
    const int64_t last = events.back().mod_revision;
    std::erase_if(events, [last](const Event& event) { return event.mod_revision == last; });
    position = events.back().mod_revision;
    return events;
  });
}

absl::StatusOr<int64_t> SqliteStore::Revision() {
  absl::MutexLock lock(&mu_);
  return CatchSqlite(path_, [&]() -> absl::StatusOr<int64_t> {
    mu_.AssertHeld();
    return ReadCounters().revision;
  });
}

absl::StatusOr<std::unique_ptr<Leadership>> SqliteStore::Lead(absl::string_view name,
                                                              absl::string_view holder,
                                                              absl::Duration ttl) {
  return leases_->Lead(name, holder, ttl);
}

}  // namespace sealward::store
