#include "hsm/hardening.h"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/measures.h"
#include "hsm/exit_codes.h"
#include "hsm/files.h"
#include "hsm/memory_lock.h"
#include "hsm/seccomp_filter.h"

namespace sealward::hsm {
namespace {

constexpr char kBindNow[] = "LD_BIND_NOW";  // ld.so(8)

absl::Status BadOwner(const std::string& directory, absl::string_view message) {
  return ExitError(kExitBadConfiguration, "PARTITION_OWNER",
                   absl::StrCat("partition directory ", directory, " ", message));
}

absl::Status BecomeOwner(const std::string& directory, const struct stat& owner) {
  if (owner.st_uid == 0) {
    return BadOwner(directory,
                    "belongs to root; sealward-hsm never serves as root: make it with "
                    "sealward-hsm init, or chown it to a user of its own");
  }
  RaiseMemoryLockLimit();
  if (!SEALWARD_OMITTED(kDropGroups) && setgroups(0, nullptr) != 0) {
    return ErrnoStatus("drop the groups for", directory);
  }
  if (setresgid(owner.st_gid, owner.st_gid, owner.st_gid) != 0 ||
      setresuid(owner.st_uid, owner.st_uid, owner.st_uid) != 0) {
    return ErrnoStatus("change to the owner of", directory);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status BindImmediately(char** argv) {
  const char* value = std::getenv(kBindNow);
  if ((value != nullptr && *value != '\0') || SEALWARD_OMITTED(kImmediateBind)) {
    return absl::OkStatus();
  }
  if (setenv(kBindNow, "1", /*overwrite=*/1) != 0) return ErrnoStatus("set", kBindNow);
  execv("/proc/self/exe", argv);
  return ErrnoStatus("start again with LD_BIND_NOW=1:", "/proc/self/exe");
}

absl::Status EnterPartition(const std::string& directory) {
  struct stat owner{};
  if (chdir(directory.c_str()) != 0 || stat(".", &owner) != 0) {
    return ExitError(kExitPartitionUnusable, "PARTITION_NOT_INITIALIZED",
                     absl::StrCat("partition directory ", directory, " cannot be entered: ",
                                  std::strerror(errno), "; sealward-hsm init makes one"));
  }
  if (SEALWARD_OMITTED(kOwnUser)) return absl::OkStatus();
  if (geteuid() == 0) {
    if (absl::Status s = BecomeOwner(directory, owner); !s.ok()) return s;
  }
  if (geteuid() == 0 || getuid() == 0) return BadOwner(directory, "cannot be served as root");
  if (owner.st_uid != geteuid()) {
    return BadOwner(directory, absl::StrCat("belongs to uid ", owner.st_uid, ", not to uid ",
                                            geteuid(), " that runs this process"));
  }
  if ((owner.st_mode & 077) != 0) {
    return BadOwner(directory, "can be entered by group or others; chmod 0700 it");
  }
  umask(077);
  return absl::OkStatus();
}

absl::Status ForbidDumps() {
  const rlimit limit{1, 1};
  rlimit after{};
  if (!SEALWARD_OMITTED(kCoreLimit) &&
      (setrlimit(RLIMIT_CORE, &limit) != 0 || getrlimit(RLIMIT_CORE, &after) != 0 ||
       after.rlim_cur != 1 || after.rlim_max != 1)) {
    return absl::InternalError("RLIMIT_CORE could not be set to 1");
  }
  // Without the measure a change of uid has taken dumpability away already: a probe
  // wants the process as one that was started under its uid.
  const unsigned long dumpable = SEALWARD_OMITTED(kNotDumpable) ? 1 : 0;
  if (prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0) != 0 ||
      prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != static_cast<int>(dumpable)) {
    return absl::InternalError("the process could not be made non-dumpable");
  }
  return absl::OkStatus();
}

absl::Status Harden(const Profile& profile) {
  if (absl::Status s = ForbidDumps(); !s.ok()) return s;
  LockMemory();
  if (!SEALWARD_OMITTED(kNoNewPrivs) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return ErrnoStatus("set", "no_new_privs");
  }
  return SEALWARD_OMITTED(kSandbox) ? absl::OkStatus() : InstallSeccompFilter(profile);
}

}  // namespace sealward::hsm
