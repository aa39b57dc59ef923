// The system calls that sealward-hsm gives up before it reads the PIN.
#ifndef SEALWARD_HSM_SECCOMP_FILTER_H_
#define SEALWARD_HSM_SECCOMP_FILTER_H_

#include "absl/status/status.h"
#include "hsm/profile.h"

namespace sealward::hsm {

// Installs the profile's filter for the rest of the process's life. A call that
// is not allowed kills the process (SIGSYS).
//
// Always denied: making the process dumpable again, reading or tracing another
// process, starting programs or processes, changing the user, raising limits,
// and, where the profile has no network, making sockets (which fails with
// EACCES instead of killing, because syslog(3), which SoftHSM2 calls, tries).
// Where the profile has an allow-list, everything that is not on it as well.
//
// In a sanitizer build the allow-list is left out: the sanitizers' runtime makes
// calls of its own (shadow memory, stack traces), which are no part of the
// program that is tested.
absl::Status InstallSeccompFilter(const Profile& profile);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_SECCOMP_FILTER_H_
