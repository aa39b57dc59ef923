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
#include "server/store/sqlite_statements.h"

namespace sealward::store {

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
      statements_(std::make_unique<SqliteStatements>(*db_)) {}

SqliteStore::~SqliteStore() = default;

SqliteStore::Counters SqliteStore::ReadCounters() {
  Run run(statements_->counters);
  if (!run.Next()) throw SQLite::Exception("the row of counters is missing", SQLITE_CORRUPT);
  return Counters{run.IntAt(0), run.IntAt(1)};
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
