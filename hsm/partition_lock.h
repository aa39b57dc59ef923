// The lock that serialises what a partition cannot do concurrently: initialise
// and log in, generate, destroy.
#ifndef SEALWARD_HSM_PARTITION_LOCK_H_
#define SEALWARD_HSM_PARTITION_LOCK_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "hsm/files.h"

namespace sealward::hsm {

// How long a process waits for the lock. Generating an RSA-4096 key takes
// seconds; a holder that needs longer than this is stopped or wedged.
inline constexpr absl::Duration kLockTimeout = absl::Seconds(60);

// PartitionLock is an exclusive flock on a file of the partition directory,
// held while the object lives. The kernel drops it when its holder dies. It
// belongs to an open file description, so one process can wait for itself:
// never take it twice.
class PartitionLock {
 public:
  // Waits for the lock at `path`. CANCELLED if `peer_fd`, where it is given,
  // hangs up meanwhile: a process whose parent died must not stay in a queue.
  // UNAVAILABLE (PARTITION_LOCKED) after `timeout`.
  static absl::StatusOr<PartitionLock> Acquire(const std::string& path, int peer_fd = -1,
                                               absl::Duration timeout = kLockTimeout);

 private:
  explicit PartitionLock(Descriptor file) : file_(std::move(file)) {}

  Descriptor file_;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_PARTITION_LOCK_H_
