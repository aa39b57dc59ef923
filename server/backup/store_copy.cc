#include "server/backup/store_copy.h"

#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/SQLiteCpp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/errors.h"
#include "server/backup/files.h"
#include "server/catalog/changes.h"
#include "server/catalog/layout.h"
#include "server/store/sqlite_error.h"
#include "server/store/sqlite_open.h"

namespace sealward::backup {
namespace {

// Is the file's owner while it lives, where we are root.
class AsOwnerOf {
 public:
  explicit AsOwnerOf(const std::string& path) {
    struct stat info{};
    if (geteuid() != 0 || stat(path.c_str(), &info) != 0 || info.st_uid == 0) return;
    changed_ = seteuid(info.st_uid) == 0;
  }
  ~AsOwnerOf() {
    if (changed_ && seteuid(0) != 0) _exit(1);  // cannot happen; going on as another is worse
  }
  AsOwnerOf(const AsOwnerOf&) = delete;
  AsOwnerOf& operator=(const AsOwnerOf&) = delete;

 private:
  bool changed_ = false;
};

std::unique_ptr<SQLite::Database> OpenSource(const std::string& path) {
  const AsOwnerOf owner(path);
  auto db = std::make_unique<SQLite::Database>(
      path, SQLite::OPEN_READWRITE | SQLite::OPEN_NOFOLLOW,
      static_cast<int>(absl::ToInt64Milliseconds(store::kBusyTimeout)));
  db->execAndGet("SELECT revision FROM meta");  // opens what lies beside it, too
  return db;
}

absl::Status CheckIdentity(SQLite::Database& db, const std::string& path) {
  if (db.execAndGet("PRAGMA application_id").getInt() != store::kApplicationId) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "STORE_FOREIGN",
                     absl::StrCat(path, " is no store of sealward-server"));
  }
  if (const int schema = db.execAndGet("PRAGMA user_version").getInt();
      schema < 1 || schema > store::kSchemaVersion) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "STORE_SCHEMA_NEWER",
        absl::StrCat(path, " has schema ", schema, ", this program knows ", store::kSchemaVersion));
  }
  const std::string verdict = db.execAndGet("PRAGMA integrity_check(1)").getString();
  return verdict == "ok" ? absl::OkStatus() : store::CorruptError(path, verdict);
}

std::string Bytes(const SQLite::Column& cell) {
  return {static_cast<const char*>(cell.getBlob()), static_cast<size_t>(cell.getBytes())};
}

}  // namespace

absl::Status CopyStore(const std::string& from, const std::string& to) {
  if (absl::Status s = store::CheckStoreExists(from); !s.ok()) return s;
  if (absl::Status s = WriteNew(to, ""); !s.ok()) return s;  // mode 0600, and nobody else's
  return store::CatchSqlite(from, [&]() -> absl::Status {
    const auto source = OpenSource(from);
    SQLite::Database copy(to, SQLite::OPEN_READWRITE | SQLite::OPEN_NOFOLLOW);
    copy.exec("PRAGMA synchronous = FULL");
    SQLite::Backup backup(copy, *source);
    backup.executeStep(-1);  // all in one step: one moment
    return absl::OkStatus();
  });
}

absl::StatusOr<std::shared_ptr<const catalog::Snapshot>> ReadStoreCopy(const std::string& path) {
  if (absl::Status s = store::CheckStoreExists(path); !s.ok()) return s;
  std::error_code error;
  const std::string full = std::filesystem::absolute(path, error).string();
  // Immutable: SQLite makes no files beside it.
  const std::string uri =
      absl::StrCat("file:", absl::StrReplaceAll(full, {{"%", "%25"}, {"?", "%3f"}, {"#", "%23"}}),
                   "?immutable=1");
  using Result = absl::StatusOr<std::shared_ptr<const catalog::Snapshot>>;
  return store::CatchSqlite(path, [&]() -> Result {
    SQLite::Database db(uri, SQLite::OPEN_READONLY | SQLite::OPEN_URI);
    if (absl::Status s = CheckIdentity(db, path); !s.ok()) return s;
    const int64_t revision = db.execAndGet("SELECT revision FROM meta").getInt64();
    catalog::Changes records;
    SQLite::Statement all(db, "SELECT key, value, mod_revision FROM entries");
    while (all.executeStep()) {
      std::string key = Bytes(all.getColumn(0));
      if (!absl::StartsWith(key, catalog::kCatalogPrefix)) continue;
      records[std::move(key)] =
          catalog::Change{Bytes(all.getColumn(1)), all.getColumn(2).getInt64()};
    }
    return catalog::ApplyChanges(catalog::Snapshot{}, records, revision);
  });
}

}  // namespace sealward::backup
