#include "hsm/hardening.h"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "hsm/exit_codes.h"
#include "hsm/files.h"
#include "hsm/seccomp_filter.h"

namespace sealward::hsm {
namespace {

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
  if (setgroups(0, nullptr) != 0 || setresgid(owner.st_gid, owner.st_gid, owner.st_gid) != 0 ||
      setresuid(owner.st_uid, owner.st_uid, owner.st_uid) != 0) {
    return ErrnoStatus("change to the owner of", directory);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status EnterPartition(const std::string& directory) {
  struct stat owner{};
  if (chdir(directory.c_str()) != 0 || stat(".", &owner) != 0) {
    return ExitError(kExitPartitionUnusable, "PARTITION_NOT_INITIALIZED",
                     absl::StrCat("partition directory ", directory, " cannot be entered: ",
                                  std::strerror(errno), "; sealward-hsm init makes one"));
  }
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
  if (setrlimit(RLIMIT_CORE, &limit) != 0 || getrlimit(RLIMIT_CORE, &after) != 0 ||
      after.rlim_cur != 1 || after.rlim_max != 1) {
    return absl::InternalError("RLIMIT_CORE could not be set to 1");
  }
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return absl::InternalError("the process could not be made non-dumpable");
  }
  return absl::OkStatus();
}

absl::Status Harden(const Profile& profile) {
  if (absl::Status s = ForbidDumps(); !s.ok()) return s;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return ErrnoStatus("set", "no_new_privs");
  return InstallSeccompFilter(profile);
}

}  // namespace sealward::hsm
