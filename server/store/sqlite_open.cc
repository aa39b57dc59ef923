#include "server/store/sqlite_open.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/store/lock_file.h"
#include "server/store/sqlite_error.h"

namespace sealward::store {
namespace {

// One row of meta holds the counters. entries is the present, events the recent
// past for watches. Keys are BLOBs: SQLite compares those with memcmp, so key
// order is byte order.
constexpr char kSchema[] = R"sql(
  CREATE TABLE meta(
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL,
    compacted_revision INTEGER NOT NULL
  ) STRICT;
  INSERT INTO meta VALUES (1, 0, 0);
  CREATE TABLE entries(
    key BLOB PRIMARY KEY,
    value BLOB NOT NULL,
    create_revision INTEGER NOT NULL,
    mod_revision INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE events(
    revision INTEGER NOT NULL,
    position INTEGER NOT NULL,
    key BLOB NOT NULL,
    value BLOB,
    PRIMARY KEY (revision, position)
  ) STRICT, WITHOUT ROWID;
)sql";

int Pragma(SQLite::Database& db, const char* name) {
  return db.execAndGet(absl::StrCat("PRAGMA ", name)).getInt();
}

std::unique_ptr<SQLite::Database> Connect(const std::string& path) {
  // The store serialises its own use of the connection.
  auto db = std::make_unique<SQLite::Database>(
      path, SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX | SQLite::OPEN_NOFOLLOW,
      static_cast<int>(absl::ToInt64Milliseconds(kBusyTimeout)));
  db->exec("PRAGMA trusted_schema = OFF");
  db->exec("PRAGMA cell_size_check = ON");
  return db;
}

absl::Status CheckIdentity(SQLite::Database& db, const std::string& path) {
  if (Pragma(db, "application_id") != kApplicationId) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "STORE_FOREIGN",
                     absl::StrCat(path, " is a database of another program, not a store of ",
                                  "sealward-server: check the configured path"));
  }
  const int schema = Pragma(db, "user_version");
  if (schema > kSchemaVersion) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "STORE_SCHEMA_NEWER",
                     absl::StrCat("store ", path, " has schema ", schema, ", this server knows ",
                                  kSchemaVersion, ": upgrade the server"));
  }
  if (schema < 1) return CorruptError(path, absl::StrCat("it has schema ", schema));
  return absl::OkStatus();
}

// Reads every page once: damage is found at start, not in the middle of a day.
absl::Status CheckPages(SQLite::Database& db, const std::string& path) {
  const std::string verdict = db.execAndGet("PRAGMA quick_check(1)").getString();
  return verdict == "ok" ? absl::OkStatus() : CorruptError(path, verdict);
}

absl::Status CheckTables(SQLite::Database& db, const std::string& path) {
  const int tables = db.execAndGet(
                           "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND "
                           "name IN ('meta', 'entries', 'events')")
                         .getInt();
  if (tables != 3 || db.execAndGet("SELECT count(*) FROM meta").getInt() != 1) {
    return CorruptError(path, "tables or the row of counters are missing");
  }
  return absl::OkStatus();
}

absl::Status Configure(SQLite::Database& db, const std::string& path) {
  const std::string mode = db.execAndGet("PRAGMA journal_mode = WAL").getString();
  if (mode != "wal") {
    return MakeError(absl::StatusCode::kFailedPrecondition, "STORE_UNREADABLE",
                     absl::StrCat("store ", path, " cannot use a write-ahead log (mode ", mode,
                                  "): put it on a local file system"));
  }
  db.exec("PRAGMA synchronous = FULL");
  return absl::OkStatus();
}

void WriteSchema(SQLite::Database& db) {
  SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
  db.exec(kSchema);
  db.exec(absl::StrCat("PRAGMA application_id = ", kApplicationId));
  db.exec(absl::StrCat("PRAGMA user_version = ", kSchemaVersion));
  transaction.commit();
}

std::string DirectoryOf(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

absl::Status SyncDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return FileError(path, errno);
  const int error = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  return error == 0 ? absl::OkStatus() : FileError(path, error);
}

// Opens the file by itself: errno says more than SQLITE_CANTOPEN. Its size.
absl::StatusOr<int64_t> TryFile(const std::string& path, int flags) {
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
  if (fd < 0) return FileError(path, errno);
  struct stat info{};
  const bool known = fstat(fd, &info) == 0;
  close(fd);
  if (!known || !S_ISREG(info.st_mode)) return FileError(path, EINVAL);
  return info.st_size;
}

}  // namespace

absl::Status CheckStoreExists(const std::string& path) {
  struct stat info{};
  if (stat(path.c_str(), &info) == 0) return absl::OkStatus();
  if (errno != ENOENT) return FileError(path, errno);
  return MakeError(absl::StatusCode::kNotFound, "STORE_NOT_FOUND",
                   absl::StrCat("there is no store ", path,
                                ": make one with sealward-server init, or restore a backup"));
}

absl::Status MakeStoreDirectory(const std::string& path) {
  const std::string directory = DirectoryOf(path);
  if (mkdir(directory.c_str(), 0700) == 0) return SyncDirectory(DirectoryOf(directory));
  return errno == EEXIST ? absl::OkStatus() : FileError(directory, errno);
}

absl::StatusOr<std::unique_ptr<SQLite::Database>> CreateDatabase(const std::string& path) {
  absl::StatusOr<int64_t> size = TryFile(path, O_CREAT);
  if (!size.ok()) return size.status();
  if (*size == 0) {
    const absl::Status made = CatchSqlite(path, [&]() -> absl::Status {
      WriteSchema(*Connect(path));
      return SyncDirectory(DirectoryOf(path));
    });
    if (!made.ok()) return made;
  }
  absl::StatusOr<std::unique_ptr<SQLite::Database>> db = OpenDatabase(path);
  if (!db.ok()) return db;
  // One that nobody wrote to yet is what a creation that was cut short left.
  const int64_t revision = (*db)->execAndGet("SELECT revision FROM meta").getInt64();
  if (revision == 0) return db;
  return MakeError(absl::StatusCode::kAlreadyExists, "STORE_EXISTS",
                   absl::StrCat("store ", path, " exists already, at revision ", revision,
                                ": nothing was changed"));
}

absl::StatusOr<std::unique_ptr<SQLite::Database>> OpenDatabase(const std::string& path) {
  if (absl::Status status = CheckStoreExists(path); !status.ok()) return status;
  absl::StatusOr<int64_t> size = TryFile(path, 0);
  if (!size.ok()) return size.status();
  if (*size == 0) return CorruptError(path, "it is empty");
  return CatchSqlite(path, [&]() -> absl::StatusOr<std::unique_ptr<SQLite::Database>> {
    std::unique_ptr<SQLite::Database> db = Connect(path);
    for (const auto& check : {CheckIdentity, CheckPages, CheckTables, Configure}) {
      if (absl::Status status = check(*db, path); !status.ok()) return status;
    }
    return db;
  });
}

}  // namespace sealward::store
