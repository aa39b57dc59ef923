// KeyManager: changes that somebody else decides about, and what the partition has to
// know of them.
#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/failpoint.h"
#include "server/catalog/mutations.h"
#include "server/lifecycle/key_manager.h"
#include "server/lifecycle/object_calls.h"
#include "server/lifecycle/resource_errors.h"

namespace sealward::lifecycle {
namespace {

absl::Status CheckSize(const catalog::Key& seen, const catalog::Key& next) {
  size_t changed = 0;
  for (size_t i = 0; i < next.versions.size(); ++i) {
    if (next.versions[i] != seen.versions[i]) ++changed;
  }
  if (changed <= kMaxVersionsPerChange) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "TOO_MANY_VERSIONS",
      absl::StrCat("this would change ", changed, " versions of ", seen.name, " at once; at most ",
                   kMaxVersionsPerChange, " can be: change single versions"));
}

}  // namespace

absl::StatusOr<KeyManager::KeyPtr> KeyManager::ChangeKey(absl::string_view name,
                                                         Precondition unchanged, Decide decide,
                                                         absl::Time deadline, Amend amend) {
  auto changed = ChangeQuietly(name, unchanged, decide, deadline, amend);
  if (changed.ok()) Changed(name);
  NoteEpoch(changed);
  return changed;
}

absl::StatusOr<KeyManager::KeyPtr> KeyManager::ChangeKeyAtOnce(absl::string_view name,
                                                               Precondition unchanged,
                                                               Decide decide, absl::Time deadline) {
  auto changed = ChangeQuietly(name, unchanged, decide, deadline, [](store::Transaction&) {});
  if (changed.ok()) Changed(name);
  return changed;
}

absl::StatusOr<KeyManager::KeyPtr> KeyManager::ChangeQuietly(absl::string_view name,
                                                             Precondition unchanged, Decide decide,
                                                             absl::Time deadline, Amend amend) {
  for (int attempt = 0; attempt < kMaxCommitAttempts; ++attempt) {
    const absl::Time now = options_.clock->Now();
    if (deadline <= WallNow()) return KeyBusy(name);
    const auto key = FindUnchanged(name, unchanged);
    if (!key.ok()) return key.status();
    const auto next = decide(**key, Course(**key), now);
    if (!next.ok()) return next.status();
    if (absl::Status s = CheckSize(**key, *next); !s.ok()) return s;
    store::Transaction transaction = catalog::ReplaceVersions(**key, *next);
    amend(transaction);
    SEALWARD_FAILPOINT("key.before_change");
    const absl::Status status = Commit(transaction);
    SEALWARD_FAILPOINT("key.change_recorded");
    if (status.ok()) return Find(name);
    if (!absl::IsAborted(status)) return status;
  }
  return ConcurrentChange();
}

absl::Status KeyManager::ForgetVersions(const catalog::Key& key, std::span<const size_t> versions,
                                        absl::Time deadline) {
  if (versions.empty()) return absl::OkStatus();
  const auto partition = options_.partitions->Find(key.tenant->partition);
  if (!partition.ok()) return partition.status();
  std::vector<std::string> ids;
  ids.reserve(versions.size());
  for (const size_t index : versions) ids.push_back(key.versions[index]->object_id);
  return (*partition)->ForgetEverywhere(ids, deadline);
}

absl::StatusOr<KeyManager::KeyPtr> KeyManager::MarkRevoked(absl::string_view name,
                                                           std::span<const size_t> versions,
                                                           absl::Time deadline) {
  const absl::Time now = options_.clock->Now();
  const auto key = Find(name);
  if (!key.ok()) return key.status();
  const auto partition = options_.partitions->Find((*key)->tenant->partition);
  if (!partition.ok()) return partition.status();
  std::vector<size_t> to_mark;
  for (const size_t index : versions) {
    const VersionTimes& times = (*key)->versions[index]->times;
    if (times.revoke <= now && !times.revoke_marked) to_mark.push_back(index);
  }
  if (to_mark.empty()) return key;
  const absl::Time limit = std::min(deadline, WallNow() + kMarkTimeout);
  for (const size_t index : to_mark) {
    const catalog::KeyVersion& version = *(*key)->versions[index];
    absl::Status status =
        RevokeObject(**partition, ObjectOf(**key, version), version.times.revoke, limit);
    if (!status.ok()) return status;
    SEALWARD_FAILPOINT("key.tombstone_left");
  }
  // After the tombstones: who forgets a key before may find it again without.
  if (absl::Status s = ForgetVersions(**key, to_mark, limit); !s.ok()) return s;
  SEALWARD_FAILPOINT("key.forgotten");
  return RecordMarks(name, [&to_mark](std::vector<VersionTimes>& times) {
    for (const size_t index : to_mark) times[index].revoke_marked = true;
  });
}

// What the partition has done is so, whatever came in between.
absl::StatusOr<KeyManager::KeyPtr> KeyManager::RecordMarks(
    absl::string_view name, absl::FunctionRef<void(std::vector<VersionTimes>&)> record) {
  const auto decide = [record](const catalog::Key& seen, const KeyCourse& course, absl::Time) {
    std::vector<VersionTimes> times = course.versions;
    record(times);
    return absl::StatusOr<catalog::Key>(catalog::WithTimes(seen, times));
  };
  return ChangeQuietly(
      name, [](const catalog::Key&) { return true; }, decide, absl::InfiniteFuture(),
      [](store::Transaction&) {});
}

}  // namespace sealward::lifecycle
