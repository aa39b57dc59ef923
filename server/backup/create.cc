// Create and Verify.
#include <sys/stat.h>
#include <toml++/toml.h>

#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/version.h"
#include "server/backup/backup.h"
#include "server/backup/store_copy.h"

namespace sealward::backup {
namespace {

namespace fs = std::filesystem;

// What sealward-hsm keeps in a partition directory that a copy needs; its tokens too.
constexpr const char* kPartitionFiles[] = {"hsm.toml", "softhsm2.conf", "token.object.copy"};
constexpr char kTokens[] = "tokens";
constexpr char kPartitionLock[] = "lock";

absl::Status Invalid(const std::string& directory, absl::string_view what) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "PARTITION_INVALID",
                   absl::StrCat(directory, ": ", what));
}

absl::Status Corrupt(const std::string& backup, absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "BACKUP_CORRUPT",
                   absl::StrCat("backup ", backup, ": ", what));
}

// A PIN among the tokens would be copied with them.
absl::Status CheckPinFile(const std::string& directory) {
  const auto text = Read(absl::StrCat(directory, "/hsm.toml"));
  if (!text.ok()) return text.status();
  try {
    const toml::table config = toml::parse(*text);
    const fs::path pin = config["pin_file"].value_or(std::string("pin"));
    const fs::path base = fs::path(directory).lexically_normal();
    const fs::path full = (pin.is_absolute() ? pin : base / pin).lexically_normal();
    const fs::path below = full.lexically_relative(base);
    if (!below.empty() && *below.begin() == kTokens) {
      return Invalid(directory, "its pin_file lies among the tokens: move it elsewhere first");
    }
    return absl::OkStatus();
  } catch (const toml::parse_error& error) {
    return Invalid(directory,
                   absl::StrCat("its hsm.toml cannot be read: ", std::string(error.description())));
  }
}

absl::Status CopyInto(const std::string& from, const std::string& backup, const std::string& name,
                      Manifest& manifest) {
  auto sum = Copy(from, absl::StrCat(backup, "/", name));
  if (!sum.ok()) return sum.status();
  manifest.files[name] = *std::move(sum);
  return absl::OkStatus();
}

absl::Status CopyTokens(const std::string& directory, const std::string& backup,
                        const std::string& below, Manifest& manifest) {
  std::error_code error;
  const std::string tokens = absl::StrCat(directory, "/", kTokens);
  if (absl::Status s = MakeDirectory(absl::StrCat(backup, "/", below, "/", kTokens)); !s.ok()) {
    return s;
  }
  for (fs::recursive_directory_iterator entry(tokens, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name =
        absl::StrCat(below, "/", entry->path().lexically_relative(directory).string());
    absl::Status status = entry->is_directory(error) && !entry->is_symlink(error)
                              ? MakeDirectory(absl::StrCat(backup, "/", name))
                              : CopyInto(entry->path().string(), backup, name, manifest);
    if (!status.ok()) return status;
  }
  return error ? Invalid(tokens, error.message()) : absl::OkStatus();
}

absl::Status CopyPartition(const std::string& name, const std::string& directory,
                           const std::string& backup, Manifest& manifest) {
  struct stat info{};
  if (stat(directory.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return Invalid(directory, "there is no partition directory here, or it is out of reach");
  }
  if (absl::Status s = CheckPinFile(directory); !s.ok()) return s;
  const std::string below = absl::StrCat(kPartitionsDirectory, "/", name);
  if (absl::Status s = MakeDirectory(absl::StrCat(backup, "/", below)); !s.ok()) return s;
  manifest.partitions[name] = {info.st_uid, info.st_gid};
  // Nobody logs in, generates or destroys meanwhile.
  const auto lock = FileLock::Take(absl::StrCat(directory, "/", kPartitionLock));
  if (!lock.ok()) return lock.status();
  for (const char* file : kPartitionFiles) {
    const std::string from = absl::StrCat(directory, "/", file);
    if (!fs::exists(from)) continue;
    if (absl::Status s = CopyInto(from, backup, absl::StrCat(below, "/", file), manifest);
        !s.ok()) {
      return s;
    }
  }
  return CopyTokens(directory, backup, below, manifest);
}

absl::Status Fill(const Places& from, const std::string& to, absl::Time now) {
  Manifest manifest;
  manifest.program = absl::StrCat("sealward ", kVersion);
  manifest.created = absl::FormatTime(absl::RFC3339_sec, now, absl::UTCTimeZone());
  const std::string store = absl::StrCat(to, "/", kStoreFile);
  if (absl::Status s = CopyStore(from.store, store); !s.ok()) return s;
  const auto snapshot = ReadStoreCopy(store);
  if (!snapshot.ok()) return snapshot.status();
  manifest.store_revision = (*snapshot)->revision;
  manifest.store_lineage = absl::BytesToHexString((*snapshot)->store_identity.lineage);
  auto sum = Sum(store);
  if (!sum.ok()) return sum.status();
  manifest.files[kStoreFile] = *std::move(sum);
  if (absl::Status s = MakeDirectory(absl::StrCat(to, "/", kPartitionsDirectory)); !s.ok()) {
    return s;
  }
  for (const auto& [name, directory] : from.partitions) {
    if (absl::Status s = CopyPartition(name, directory, to, manifest); !s.ok()) return s;
  }
  // Last: a backup without it was cut short.
  if (absl::Status s = WriteNew(absl::StrCat(to, "/", kManifestFile), ToJson(manifest)); !s.ok()) {
    return s;
  }
  return FlushDirectory(to);
}

absl::Status CheckFiles(const std::string& backup, const Manifest& manifest) {
  std::error_code error;
  std::set<std::string> there;
  for (fs::recursive_directory_iterator entry(backup, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->is_directory(error) && !entry->is_symlink(error)) continue;
    there.insert(entry->path().lexically_relative(backup).string());
  }
  if (error) return Corrupt(backup, error.message());
  there.erase(kManifestFile);
  for (const auto& [name, expected] : manifest.files) {
    if (there.erase(name) == 0) return Corrupt(backup, absl::StrCat(name, " is missing"));
    const auto sum = Sum(absl::StrCat(backup, "/", name));
    if (!sum.ok()) return sum.status();
    if (*sum != expected) {
      return Corrupt(backup, absl::StrCat(name, " is not what was backed up"));
    }
  }
  if (there.empty()) return absl::OkStatus();
  return Corrupt(backup, absl::StrCat(*there.begin(), " is not part of it"));
}

}  // namespace

absl::StatusOr<Contents> Create(const Places& from, const std::string& to, absl::Time now) {
  if (absl::Status s = MakeDirectory(to); !s.ok()) {
    if (!absl::IsAlreadyExists(s)) return s;
    return MakeError(absl::StatusCode::kAlreadyExists, "BACKUP_EXISTS",
                     absl::StrCat(to, " exists already; a backup overwrites nothing"));
  }
  absl::Status filled = Fill(from, to, now);
  if (filled.ok()) return Verify(to);
  std::error_code error;
  fs::remove_all(to, error);
  return filled;
}

absl::StatusOr<Contents> Verify(const std::string& backup) {
  const std::string path = absl::StrCat(backup, "/", kManifestFile);
  const auto json = Read(path);
  if (!json.ok()) return json.status();
  auto manifest = ParseManifest(path, *json);
  if (!manifest.ok()) return manifest.status();
  if (absl::Status s = CheckFiles(backup, *manifest); !s.ok()) return s;
  const auto snapshot = ReadStoreCopy(absl::StrCat(backup, "/", kStoreFile));
  if (!snapshot.ok()) return snapshot.status();
  if ((*snapshot)->revision != manifest->store_revision) {
    return Corrupt(backup, "its store is at another revision than its manifest says");
  }
  Contents contents;
  contents.manifest = *std::move(manifest);
  std::set<std::string> keys;
  for (const auto& [name, key] : (*snapshot)->keys) {
    keys.insert(absl::StrCat(name, ": ", key->versions.size(),
                             key->versions.size() == 1 ? " version" : " versions"));
  }
  contents.keys.assign(keys.begin(), keys.end());
  return contents;
}

}  // namespace sealward::backup
