#include "hsm/memory_lock.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/measures.h"
#include "hsm/files.h"
#include "hsm/log.h"

namespace sealward::hsm {
namespace {

constexpr char kSwaps[] = "/proc/swaps";

absl::Status LockAll() {
  if (SEALWARD_OMITTED(kMemoryLock)) return absl::OkStatus();
  rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return ErrnoStatus("read", "RLIMIT_MEMLOCK");
  if (limit.rlim_cur != RLIM_INFINITY) {
    return absl::ResourceExhaustedError(
        absl::StrCat("RLIMIT_MEMLOCK is ", limit.rlim_cur, " bytes; make it unlimited"));
  }
  if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) return ErrnoStatus("mlockall", "");
  return absl::OkStatus();
}

}  // namespace

void RaiseMemoryLockLimit() {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  // Where that is refused, LockMemory says what comes of it.
  [[maybe_unused]] const int refused = setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

void LockMemory() {
  const absl::Status locked = LockAll();
  if (!locked.ok()) {
    LogWarning(absl::StrCat("only the PIN's page is locked into memory: ", locked.message()));
  }
  const auto swaps = ReadFile(kSwaps);
  if (!swaps.ok() || !NamesSwap(*swaps)) return;
  LogWarning(locked.ok() ? "swap is on: this process is locked into memory, but hibernation would "
                           "write its keys to disk; turn hibernation off, or encrypt swap"
                         : "swap is on and may come to hold keys of this process: turn it off, "
                           "or encrypt it");
}

bool NamesSwap(absl::string_view proc_swaps) {
  const size_t heading = proc_swaps.find('\n');
  return heading != absl::string_view::npos &&
         !absl::StripAsciiWhitespace(proc_swaps.substr(heading)).empty();
}

}  // namespace sealward::hsm
