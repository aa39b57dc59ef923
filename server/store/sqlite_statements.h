// The store's SQL, and how one statement is used.
#ifndef SEALWARD_SERVER_STORE_SQLITE_STATEMENTS_H_
#define SEALWARD_SERVER_STORE_SQLITE_STATEMENTS_H_

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "server/store/store.h"

namespace sealward::store {

// Run is one use of a compiled statement; it is reset at the end. Calls throw
// SQLite::Exception.
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

// SqliteStatements are all that the store ever runs, compiled once.
struct SqliteStatements {
  explicit SqliteStatements(SQLite::Database& db)
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

}  // namespace sealward::store

#endif  // SEALWARD_SERVER_STORE_SQLITE_STATEMENTS_H_
