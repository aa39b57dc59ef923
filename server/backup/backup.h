// Backups of a store and of the partitions that hold its keys.
//
//   BACKUP/manifest.json          names, sizes, SHA-256, revision, lineage, time
//   BACKUP/store.db               the store at one moment
//   BACKUP/partitions/NAME/…      what a partition directory holds, but for the PIN
//
// The store is copied first and the partitions second, so the copy of a partition has
// at least what the copy of the store knows of. Directories have mode 0700, files 0600.
// For SoftHSM2 a partition's copy holds its keys, encrypted under its PIN: keep both
// apart. Runs on the server's machine as root, or as who owns the files.
#ifndef SEALWARD_SERVER_BACKUP_BACKUP_H_
#define SEALWARD_SERVER_BACKUP_BACKUP_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/backup/manifest.h"

namespace sealward::backup {

// Contents is what a backup holds, for people.
struct Contents {
  Manifest manifest;
  std::vector<std::string> keys;  // "tenants/a/keys/b: 2 versions", in order
};

// What to back up, or where to put it: partition directories by name.
struct Places {
  std::string store;
  std::map<std::string, std::string> partitions;
};

// Makes the new directory `to`, while the server runs or not, and verifies it. Of a
// partition directory only what sealward-hsm keeps there is copied: hsm.toml, the
// module's configuration, the tokens and the copy of token.object; never a PIN, and an
// hsm.toml whose pin_file lies among the tokens is refused. ALREADY_EXISTS
// (BACKUP_EXISTS); FAILED_PRECONDITION (PARTITION_INVALID); the errors of files.h.
// Where it fails nothing is left.
absl::StatusOr<Contents> Create(const Places& from, const std::string& to, absl::Time now);

// Every hash, no file too many, every page and record of the store. DATA_LOSS
// (BACKUP_CORRUPT, MANIFEST_INVALID) and ReadStoreCopy's.
absl::StatusOr<Contents> Verify(const std::string& backup);

// Puts back the store, and the partitions that `to` names, after Verify. The server must
// not run: its lock is taken (FAILED_PRECONDITION, STORE_LOCKED). What is there already
// is refused (ALREADY_EXISTS, TARGET_EXISTS) or, with `replace`, renamed to
// NAME.replaced-TIME beside it. A partition gets back its owner, where we are root, and
// no PIN: that comes from elsewhere.
absl::StatusOr<Contents> Restore(const std::string& backup, const Places& to, bool replace,
                                 absl::Time now);

}  // namespace sealward::backup

#endif  // SEALWARD_SERVER_BACKUP_BACKUP_H_
