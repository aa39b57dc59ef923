// A copy of the store while its server runs, and what such a copy holds.
#ifndef SEALWARD_SERVER_BACKUP_STORE_COPY_H_
#define SEALWARD_SERVER_BACKUP_STORE_COPY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/catalog/snapshot.h"

namespace sealward::backup {

// Copies the SQLite store at `from` to the new file `to` as it is at one moment, with
// SQLite's backup interface: whoever writes to it meanwhile goes on. As root it reads
// as the user who owns the store, so that nothing of root's is left beside it. Errors
// as store::OpenDatabase's.
absl::Status CopyStore(const std::string& from, const std::string& to);

// Opens a copy without writing to it or beside it, checks every page and parses every
// record. DATA_LOSS (STORE_CORRUPT, RECORD_CORRUPT) and store::OpenDatabase's errors.
absl::StatusOr<std::shared_ptr<const catalog::Snapshot>> ReadStoreCopy(const std::string& path);

}  // namespace sealward::backup

#endif  // SEALWARD_SERVER_BACKUP_STORE_COPY_H_
