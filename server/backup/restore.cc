// Restore.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/backup/backup.h"
#include "server/store/lock_file.h"
#include "server/store/sqlite_open.h"

namespace sealward::backup {
namespace {

namespace fs = std::filesystem;

// SQLite's own files beside a store: they belong to the one that is replaced.
constexpr const char* kStoreCompanions[] = {"", "-wal", "-shm", "-journal"};

class Target {
 public:
  Target(bool replace, absl::Time now)
      : replace_(replace),
        suffix_(absl::StrCat(".replaced-",
                             absl::FormatTime("%Y%m%dT%H%M%SZ", now, absl::UTCTimeZone()))) {}

  // Makes room at `path`.
  absl::Status Clear(const std::string& path) const {
    std::error_code error;
    if (!fs::exists(fs::symlink_status(path, error))) return absl::OkStatus();
    if (!replace_) {
      return MakeError(absl::StatusCode::kAlreadyExists, "TARGET_EXISTS",
                       absl::StrCat(path, " is there already; with --replace it is kept as ", path,
                                    suffix_, " and the backup takes its place"));
    }
    fs::rename(path, absl::StrCat(path, suffix_), error);
    if (!error) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat("cannot rename ", path, ": ", error.message()));
  }

 private:
  const bool replace_;
  const std::string suffix_;
};

absl::Status GiveTo(const std::string& path, const Manifest::Owner& owner) {
  if (geteuid() != 0 || lchown(path.c_str(), owner.uid, owner.gid) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot chown ", path));
}

// The store's new place belongs to whoever owns its directory.
absl::Status GiveToDirectoryOwner(const std::string& path) {
  struct stat info{};
  const std::string directory = fs::path(path).parent_path().string();
  if (stat(directory.c_str(), &info) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot look at ", directory));
  }
  return GiveTo(path, {info.st_uid, info.st_gid});
}

absl::Status RestoreStore(const std::string& backup, const std::string& path,
                          const Target& target) {
  for (const char* companion : kStoreCompanions) {
    if (absl::Status s = target.Clear(absl::StrCat(path, companion)); !s.ok()) return s;
  }
  const auto copied = Copy(absl::StrCat(backup, "/", kStoreFile), path);
  if (!copied.ok()) return copied.status();
  if (absl::Status s = GiveToDirectoryOwner(path); !s.ok()) return s;
  return FlushDirectory(fs::path(path).parent_path().string());
}

absl::Status RestorePartition(const std::string& backup, const Manifest& manifest,
                              const std::string& name, const std::string& directory,
                              const Target& target) {
  const auto owner = manifest.partitions.find(name);
  if (owner == manifest.partitions.end()) {
    return MakeError(absl::StatusCode::kNotFound, "PARTITION_NOT_IN_BACKUP",
                     absl::StrCat("backup ", backup, " holds no partition ", name));
  }
  if (absl::Status s = target.Clear(directory); !s.ok()) return s;
  if (absl::Status s = MakeDirectory(directory); !s.ok()) return s;
  if (absl::Status s = GiveTo(directory, owner->second); !s.ok()) return s;
  const std::string below = absl::StrCat(kPartitionsDirectory, "/", name, "/");
  for (const auto& [file, sum] : manifest.files) {
    if (!absl::StartsWith(file, below)) continue;
    const fs::path relative = file.substr(below.size());
    std::string at = directory;
    for (const auto& part : relative.parent_path()) {
      absl::StrAppend(&at, "/", part.string());
      if (fs::exists(at)) continue;
      if (absl::Status s = MakeDirectory(at); !s.ok()) return s;
      if (absl::Status s = GiveTo(at, owner->second); !s.ok()) return s;
    }
    const std::string to = absl::StrCat(directory, "/", relative.string());
    const auto copied = Copy(absl::StrCat(backup, "/", file), to);
    if (!copied.ok()) return copied.status();
    if (absl::Status s = GiveTo(to, owner->second); !s.ok()) return s;
  }
  return FlushDirectory(directory);
}

}  // namespace

absl::StatusOr<Contents> Restore(const std::string& backup, const Places& to, bool replace,
                                 absl::Time now) {
  auto contents = Verify(backup);
  if (!contents.ok()) return contents;
  const Target target(replace, now);
  if (absl::Status s = store::MakeStoreDirectory(to.store); !s.ok()) return s;
  const auto lock = store::LockFile::Take(to.store);
  if (!lock.ok()) return lock.status();
  if (absl::Status s = GiveToDirectoryOwner(absl::StrCat(to.store, ".lock")); !s.ok()) return s;
  // Partitions first: cut short in between, the store is the newer one.
  for (const auto& [name, directory] : to.partitions) {
    absl::Status s = RestorePartition(backup, contents->manifest, name, directory, target);
    if (!s.ok()) return s;
  }
  if (absl::Status s = RestoreStore(backup, to.store, target); !s.ok()) return s;
  return contents;
}

}  // namespace sealward::backup
