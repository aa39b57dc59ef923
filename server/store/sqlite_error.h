// SQLite's result codes as the store's errors.
#ifndef SEALWARD_SERVER_STORE_SQLITE_ERROR_H_
#define SEALWARD_SERVER_STORE_SQLITE_ERROR_H_

#include <SQLiteCpp/Exception.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sealward::store {

// The status of a failed SQLite call on the store at `path`.
absl::Status SqliteError(const std::string& path, const SQLite::Exception& error);

// DATA_LOSS (STORE_CORRUPT): what is wrong with the file, and what to do.
absl::Status CorruptError(const std::string& path, absl::string_view what);

// Runs `body`, whose result is a Status or StatusOr; SQLite's exceptions end here.
template <typename Body>
auto CatchSqlite(const std::string& path, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const SQLite::Exception& error) {
    return SqliteError(path, error);
  }
}

}  // namespace sealward::store

#endif  // SEALWARD_SERVER_STORE_SQLITE_ERROR_H_
