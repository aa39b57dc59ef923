// Opening a SQLite store: the file, its identity, its schema, its settings.
#ifndef SEALWARD_SERVER_STORE_SQLITE_OPEN_H_
#define SEALWARD_SERVER_STORE_SQLITE_OPEN_H_

#include <SQLiteCpp/Database.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sealward::store {

// PRAGMA application_id of our stores: "SwSt".
inline constexpr int kApplicationId = 0x53775374;
// PRAGMA user_version: the schema that this server reads and writes.
inline constexpr int kSchemaVersion = 1;
// How long to wait for a process that reads the file beside us (a backup, an
// operator's sqlite3).
inline constexpr absl::Duration kBusyTimeout = absl::Seconds(5);

// Makes the file (mode 0600) and its directory (mode 0700) where they are
// missing. ALREADY_EXISTS (STORE_EXISTS) if a store with contents is there.
absl::StatusOr<std::unique_ptr<SQLite::Database>> CreateDatabase(const std::string& path);

// Opens a store that was made by CreateDatabase. NOT_FOUND (STORE_NOT_FOUND);
// PERMISSION_DENIED or FAILED_PRECONDITION (STORE_UNREADABLE) for a file that
// cannot be read and written; DATA_LOSS (STORE_CORRUPT) for one that is no
// database or a damaged one; FAILED_PRECONDITION for another program's database
// (STORE_FOREIGN) and for one of a newer server (STORE_SCHEMA_NEWER).
absl::StatusOr<std::unique_ptr<SQLite::Database>> OpenDatabase(const std::string& path);

// As OpenDatabase's NOT_FOUND, before anything is made beside the file.
absl::Status CheckStoreExists(const std::string& path);

// Makes the directory of a new store, mode 0700. Its parent must exist.
absl::Status MakeStoreDirectory(const std::string& path);

}  // namespace sealward::store

#endif  // SEALWARD_SERVER_STORE_SQLITE_OPEN_H_
