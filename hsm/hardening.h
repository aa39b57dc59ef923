// The start order that makes a process unreadable for others, before it holds
// anything worth reading: immediate binding, final uid, no core files, not dumpable,
// memory locked, sandbox. common/measures.h names the single measures.
#ifndef SEALWARD_HSM_HARDENING_H_
#define SEALWARD_HSM_HARDENING_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "hsm/profile.h"

namespace sealward::hsm {

// Who init gives a partition to where it runs as root: this user if there is
// one, else the number.
inline constexpr char kDefaultUser[] = "sealward-hsm";
inline constexpr uid_t kDefaultUid = 64815;

// Has every symbol of every library resolved before main: starts this program again
// with LD_BIND_NOW=1 unless it was started so. `-z now` binds the program itself and
// RTLD_NOW the module, but libraries of Debian that both use (libcrypto, libstdc++)
// would go on binding lazily, and the resolver's stack frames keep what was in the
// registers of the signing code. Returns only if nothing had to be done, or with the
// error. REQUIRES: first in main.
absl::Status BindImmediately(char** argv);

// Makes `directory` the working directory and its owner the user of the
// process, so that every path from here on is relative to it. REQUIRES: one
// thread. Exit code 69 if there is no such directory, 78 (PARTITION_OWNER) if
// it belongs to root or to another user, or others may read it.
absl::Status EnterPartition(const std::string& directory);

// RLIMIT_CORE {1,1}, then PR_SET_DUMPABLE 0, both read back. A limit of 0 would
// not do: a core_pattern that is a pipe ignores it, but refuses 1.
absl::Status ForbidDumps();

// ForbidDumps, memory locked as far as it goes (hsm/memory_lock.h), and then the
// sandbox of the profile (hsm/seccomp_filter.h): the last step before the PIN is
// read. REQUIRES: EnterPartition.
absl::Status Harden(const Profile& profile);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_HARDENING_H_
