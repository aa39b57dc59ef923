// manifest.json of a backup: what it holds, and of which store and when.
#ifndef SEALWARD_SERVER_BACKUP_MANIFEST_H_
#define SEALWARD_SERVER_BACKUP_MANIFEST_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/backup/files.h"

namespace sealward::backup {

inline constexpr char kManifestFile[] = "manifest.json";
inline constexpr char kStoreFile[] = "store.db";
inline constexpr char kPartitionsDirectory[] = "partitions";
inline constexpr int kManifestFormat = 1;

// Manifest is that file's content. Paths are relative to the backup.
struct Manifest {
  std::string program;  // that wrote it, with its version
  std::string created;  // RFC 3339, UTC
  int64_t store_revision = 0;
  std::string store_lineage;  // hexadecimal; empty for a store that had none yet
  // By partition: whose its files were.
  struct Owner {
    uid_t uid = 0;
    gid_t gid = 0;
  };
  std::map<std::string, Owner> partitions;
  std::map<std::string, FileSum> files;  // all but the manifest
};

std::string ToJson(const Manifest& manifest);
// DATA_LOSS (MANIFEST_INVALID), naming `path`: no JSON, another format, or a file name
// that leads out of the backup.
absl::StatusOr<Manifest> ParseManifest(const std::string& path, absl::string_view json);

}  // namespace sealward::backup

#endif  // SEALWARD_SERVER_BACKUP_MANIFEST_H_
