#include "hsm/partition_writer.h"

#include <string>

#include "hsm/files.h"
#include "hsm/log.h"
#include "hsm/token_guard.h"

namespace sealward::hsm {

absl::StatusOr<PartitionLock> PartitionWriter::Lock() const {
  auto lock = PartitionLock::Acquire(kLockFile, peer_fd_);
  if (!lock.ok() || !config_.profile->guards_token_object) return lock;
  const TokenGuard guard(config_.token_directory, kTokenObjectCopyFile);
  auto alarm = guard.RestoreIfDamaged();
  // Writing does not need the file; the next login reports what stays wrong.
  if (!alarm.ok()) LogError(std::string(alarm.status().message()));
  if (alarm.ok() && *alarm) LogError(**alarm);
  return lock;
}

absl::Status PartitionWriter::Flush() const {
  if (!config_.profile->syncs_after_generate) return absl::OkStatus();
  const std::string& directory = config_.token_directory;
  return SyncFileSystem(directory.empty() ? "." : directory);
}

}  // namespace sealward::hsm
