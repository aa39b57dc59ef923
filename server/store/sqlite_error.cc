#include "server/store/sqlite_error.h"

#include <sqlite3.h>

#include "absl/strings/str_cat.h"
#include "common/errors.h"

namespace sealward::store {
namespace {

constexpr int kPrimaryCodeMask = 0xff;  // https://www.sqlite.org/rescode.html

std::string Describe(const SQLite::Exception& error) {
  return absl::StrCat(error.what(), " (SQLite code ", error.getExtendedErrorCode(), ")");
}

}  // namespace

absl::Status CorruptError(const std::string& path, absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "STORE_CORRUPT",
                   absl::StrCat("store ", path, " is corrupt: ", what,
                                "; stop the server, keep the file, and restore a backup"));
}

absl::Status SqliteError(const std::string& path, const SQLite::Exception& error) {
  if (error.getExtendedErrorCode() == SQLITE_IOERR_CORRUPTFS) {
    return CorruptError(path, Describe(error));
  }
  switch (error.getErrorCode() & kPrimaryCodeMask) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return CorruptError(path, Describe(error));
    case SQLITE_FULL:
      return MakeError(absl::StatusCode::kUnavailable, "STORE_FULL",
                       absl::StrCat("no room for store ", path, ": ", Describe(error),
                                    "; nothing was changed, free some space and retry"));
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return MakeError(
          absl::StatusCode::kUnavailable, "STORE_UNREADABLE",
          absl::StrCat("store ", path, " cannot be read and written: ", Describe(error)));
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
    case SQLITE_PROTOCOL:
      return MakeError(
          absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE",
          absl::StrCat("store ", path, " did not answer: ", Describe(error), "; retry"));
    default:
      return MakeError(absl::StatusCode::kInternal, "STORE_INTERNAL",
                       absl::StrCat("store ", path, ": ", Describe(error)));
  }
}

}  // namespace sealward::store
