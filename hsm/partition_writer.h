// What every change of a partition goes through.
#ifndef SEALWARD_HSM_PARTITION_WRITER_H_
#define SEALWARD_HSM_PARTITION_WRITER_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hsm/config.h"
#include "hsm/partition_lock.h"

namespace sealward::hsm {

// PartitionWriter locks before a change and flushes after it. The order is always:
// lock, change, unlock, flush, answer; flushing a busy disk takes long, so it is
// done without the lock, and whoever answers for somebody else's change flushes it,
// too. Not thread-safe.
class PartitionWriter {
 public:
  // `config` outlives it; `peer_fd` as in PartitionLock.
  PartitionWriter(const Config& config, int peer_fd) : config_(config), peer_fd_(peer_fd) {}

  // Waits for the partition's lock; while it holds it, puts back a token.object that
  // a killed login left damaged. Errors as PartitionLock::Acquire.
  absl::StatusOr<PartitionLock> Lock() const;

  // Flushes what was written, where the profile asks for that. REQUIRES: the lock is
  // not held.
  absl::Status Flush() const;

 private:
  const Config& config_;
  int peer_fd_;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_PARTITION_WRITER_H_
