// What must be true before a store is made.
#ifndef SEALWARD_SERVER_APP_FIRST_USE_H_
#define SEALWARD_SERVER_APP_FIRST_USE_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "server/app/config.h"

namespace sealward::app {

// How long a partition may take to say what it holds.
inline constexpr absl::Duration kFirstLookTimeout = absl::Seconds(30);

// Whether no partition of `config` holds an object of Sealward's. A new store
// beside old keys would disown them: they could never sign or be destroyed by
// it, and an operator who lost a store wants its backup back, not a new one.
// Starts each partition's processes, asks, and ends them; a partition directory
// that does not exist holds nothing. Blocks.
//
// FAILED_PRECONDITION (PARTITION_NOT_EMPTY, PARTITION_UNKNOWN_CONTENT: one that
// cannot be asked), naming the partition and what to do.
absl::Status CheckFirstUse(const Config& config, const Clock& clock);

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_FIRST_USE_H_
