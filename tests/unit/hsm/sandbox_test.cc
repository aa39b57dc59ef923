// The sandbox, attacked from inside. Each attack runs in a child of its own, once
// without the sandbox (it must succeed) and once with it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>

#include "hsm/hardening.h"
#include "hsm/seccomp_filter.h"

namespace sealward::hsm {
namespace {

// What became of a child: its exit code, or minus the signal that ended it.
int InChild(const std::function<int()>& action) {
  const pid_t pid = fork();
  if (pid == 0) _exit(action());
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

struct Attack {
  const char* name;
  int (*run)();  // 0 if it works
};

const Attack kAttacks[] = {
    {"dumpable again", [] { return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }},
    {"dumpable again, past an int",
     [] {
       return static_cast<int>(syscall(SYS_prctl, PR_SET_DUMPABLE | 0x100000000UL, 1, 0, 0, 0));
     }},
    {"ptrace", [] { return static_cast<int>(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }},
    {"process_vm_readv",
     [] {
       char from = 1;
       char to = 0;
       const iovec local{&to, 1};
       const iovec remote{&from, 1};
       return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1 ? 0 : errno;
     }},
    {"execve",
     [] {
       char path[] = "/bin/true";
       char* argv[] = {path, nullptr};
       execv(path, argv);
       return errno;
     }},
    {"fork",
     [] {
       const pid_t pid = fork();
       if (pid == 0) _exit(0);
       return pid > 0 ? 0 : errno;
     }},
    {"setuid", [] { return setuid(getuid()); }},
    {"setresuid", [] { return setresuid(getuid(), getuid(), getuid()); }},
    {"prlimit",
     [] {
       rlimit limit{};
       if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
       return prlimit(0, RLIMIT_NOFILE, &limit, nullptr);
     }},
    {"unshare", [] { return unshare(CLONE_FILES); }},
};

// If a profile's sandbox stopped doing this, a hijacked signer could start a
// shell, or a crash handler could write a core with every key.
TEST(SandboxTest, KillsEveryAttackInEveryProfile) {
  for (const Attack& attack : kAttacks) {
    EXPECT_EQ(InChild(attack.run), 0) << "positive control: " << attack.name;
    for (const Profile& profile : AllProfiles()) {
      EXPECT_EQ(InChild([&] { return Harden(profile).ok() ? attack.run() : 97; }), -SIGSYS)
          << attack.name << ", profile " << profile.name;
    }
  }
}

// A profile without network must not be able to send what it knows. Not a kill:
// SoftHSM2 logs through syslog(3), which tries to make a socket.
TEST(SandboxTest, NoSocketsWithoutNetwork) {
  const auto make = [] {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    return fd >= 0 ? 0 : errno;
  };
  EXPECT_EQ(InChild(make), 0) << "positive control";
  for (const Profile& profile : AllProfiles()) {
    EXPECT_EQ(InChild([&] { return Harden(profile).ok() ? make() : 97; }),
              profile.network ? 0 : EACCES);
    EXPECT_EQ(InChild([&] {
                if (!Harden(profile).ok()) return 97;
                syslog(LOG_ERR, "sealward test: this must not kill the process");
                return 5;
              }),
              5);
  }
}

// Reading limits and asking whether it is dumpable stay possible: libraries do.
TEST(SandboxTest, LetsHarmlessCallsThrough) {
  for (const Profile& profile : AllProfiles()) {
    EXPECT_EQ(InChild([&] {
                if (!Harden(profile).ok()) return 97;
                rlimit limit{};
                if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur != 1) return 1;
                if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return 2;
                if (syscall(SYS_clone3, nullptr, 0) != -1 || errno != ENOSYS) return 3;
                return 0;
              }),
              0);
  }
}

// A core_pattern that is a pipe ignores a limit of 0 but not one of 1.
TEST(HardeningTest, ForbidDumpsSetsBoth) {
  EXPECT_EQ(InChild([] {
              if (!ForbidDumps().ok()) return 1;
              rlimit limit{};
              getrlimit(RLIMIT_CORE, &limit);
              if (limit.rlim_cur != 1 || limit.rlim_max != 1) return 2;
              return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
            }),
            0);
}

}  // namespace
}  // namespace sealward::hsm
