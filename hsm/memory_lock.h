// Keeping the process's memory out of swap.
#ifndef SEALWARD_HSM_MEMORY_LOCK_H_
#define SEALWARD_HSM_MEMORY_LOCK_H_

#include "absl/strings/string_view.h"

namespace sealward::hsm {

// Lets the process lock all its memory, if it may raise RLIMIT_MEMLOCK. For a process
// that is root still; one that is not gets the limit from whoever starts it
// (deploy/systemd, LimitMEMLOCK).
void RaiseMemoryLockLimit();

// Locks all memory, now and later, page by page as it is touched (mlockall with
// MCL_ONFAULT). Only where RLIMIT_MEMLOCK is unlimited: under a limit some later
// allocation would fail, in the middle of a signature. Otherwise says so in the log;
// the PIN's page (hsm/pin.h) is locked all the same. Warns where swap is on, whether
// locked or not: hibernation writes locked memory, too.
void LockMemory();

// Whether this content of /proc/swaps (proc(5): a heading, then a line for each area)
// names an area.
bool NamesSwap(absl::string_view proc_swaps);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_MEMORY_LOCK_H_
