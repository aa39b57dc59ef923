#include "hsm/seccomp_filter.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"

namespace sealward::hsm {
namespace {

// What SoftHSM2, NSS with SQLite, OpenSSL, glibc and the serve loop call (FACTS: SoftHSM2).
constexpr int kAllowed[] = {
    // Files of the partition, and loading the module.
    SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(readv),
    SCMP_SYS(write), SCMP_SYS(pwrite64), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(stat),
    SCMP_SYS(fstat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(lseek),
    SCMP_SYS(fcntl), SCMP_SYS(flock), SCMP_SYS(ftruncate), SCMP_SYS(fsync), SCMP_SYS(fdatasync),
    SCMP_SYS(syncfs), SCMP_SYS(getdents64), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(unlink),
    SCMP_SYS(unlinkat), SCMP_SYS(rmdir), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2),
    SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
    SCMP_SYS(umask), SCMP_SYS(chmod), SCMP_SYS(fchmod), SCMP_SYS(getcwd), SCMP_SYS(fadvise64),
    // Memory.
    SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(mprotect),
    SCMP_SYS(madvise), SCMP_SYS(mlock), SCMP_SYS(mlock2), SCMP_SYS(munlock), SCMP_SYS(getrandom),
    // The socket: one connection, packets in and out.
    SCMP_SYS(recvmsg), SCMP_SYS(recvfrom), SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(poll),
    SCMP_SYS(ppoll), SCMP_SYS(eventfd2), SCMP_SYS(shutdown), SCMP_SYS(getsockopt),
    SCMP_SYS(accept4),
    // Asking about the process itself.
    SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
    SCMP_SYS(getegid), SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getrlimit), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    // Signals, waiting, the end.
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(restart_syscall), SCMP_SYS(futex), SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),  // so SQLite waits for another process's lock
    SCMP_SYS(sched_yield), SCMP_SYS(rseq), SCMP_SYS(set_robust_list), SCMP_SYS(exit),
    SCMP_SYS(exit_group)};

// Denied by name wherever there is no allow-list.
constexpr int kDenied[] = {SCMP_SYS(ptrace),
                           SCMP_SYS(process_vm_readv),
                           SCMP_SYS(process_vm_writev),
                           SCMP_SYS(process_madvise),
                           SCMP_SYS(pidfd_getfd),
                           SCMP_SYS(kcmp),
                           SCMP_SYS(execve),
                           SCMP_SYS(execveat),
                           SCMP_SYS(fork),
                           SCMP_SYS(vfork),
                           SCMP_SYS(setuid),
                           SCMP_SYS(setgid),
                           SCMP_SYS(setreuid),
                           SCMP_SYS(setregid),
                           SCMP_SYS(setresuid),
                           SCMP_SYS(setresgid),
                           SCMP_SYS(setfsuid),
                           SCMP_SYS(setfsgid),
                           SCMP_SYS(setgroups),
                           SCMP_SYS(capset),
                           SCMP_SYS(setrlimit),
                           SCMP_SYS(unshare),
                           SCMP_SYS(setns),
                           SCMP_SYS(mount),
                           SCMP_SYS(chroot),
                           SCMP_SYS(pivot_root),
                           SCMP_SYS(bpf),
                           SCMP_SYS(perf_event_open),
                           SCMP_SYS(userfaultfd),
                           SCMP_SYS(personality),
                           SCMP_SYS(io_uring_setup),
                           SCMP_SYS(keyctl),
                           SCMP_SYS(add_key),
                           SCMP_SYS(request_key),
                           SCMP_SYS(kexec_load),
                           SCMP_SYS(init_module),
                           SCMP_SYS(finit_module),
                           SCMP_SYS(memfd_create),
                           SCMP_SYS(vmsplice)};

// Collects rules and remembers the first that fails.
class Filter {
 public:
  explicit Filter(uint32_t otherwise) : context_(seccomp_init(otherwise), seccomp_release) {}

  template <typename... Conditions>
  void Rule(uint32_t action, int call, Conditions... conditions) {
    if (error_ != 0 || context_ == nullptr) return;
    error_ = seccomp_rule_add(context_.get(), action, call, sizeof...(conditions), conditions...);
  }

  absl::Status Load() {
    if (context_ == nullptr) return absl::InternalError("seccomp_init failed");
    // no_new_privs is hsm/hardening.cc's: libseccomp would hide that it is missing.
    seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_NNP, 0);
    // A binary tree instead of a chain of comparisons; only speed depends on it.
    seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (error_ == 0) error_ = seccomp_load(context_.get());
    if (error_ == 0) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat("the seccomp filter cannot be installed: ", std::strerror(-error_)));
  }

 private:
  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
  int error_ = 0;
};

// "Argument `index` compares like this with `value`."
constexpr scmp_arg_cmp Argument(unsigned index, scmp_compare how, uint64_t value) {
  return {index, how, value, 0};
}

// "The bits `mask` of argument `index` are `value`."
constexpr scmp_arg_cmp Bits(unsigned index, uint64_t mask, uint64_t value) {
  return {index, SCMP_CMP_MASKED_EQ, mask, value};
}

// What both kinds of filter say about calls that are fine with some arguments.
void AddConditionalRules(Filter& filter, bool allow_list) {
  // glibc falls back from clone3 to clone, whose flags a filter can see.
  filter.Rule(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
  if (allow_list) {
    filter.Rule(SCMP_ACT_ALLOW, SCMP_SYS(clone), Bits(0, CLONE_THREAD, CLONE_THREAD));
    filter.Rule(SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), Argument(2, SCMP_CMP_EQ, 0));
    filter.Rule(SCMP_ACT_ALLOW, SCMP_SYS(prctl), Argument(0, SCMP_CMP_EQ, PR_GET_DUMPABLE));
    // Whether stderr is a terminal is nobody's business; stdio can live with it.
    filter.Rule(SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl));
    return;
  }
  filter.Rule(SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), Bits(0, CLONE_THREAD, 0));
  filter.Rule(SCMP_ACT_KILL_PROCESS, SCMP_SYS(prlimit64), Argument(2, SCMP_CMP_NE, 0));
  // The kernel takes the option as an int: bits above it must not get it past.
  filter.Rule(SCMP_ACT_KILL_PROCESS, SCMP_SYS(prctl), Bits(0, 0xffffffff, PR_SET_DUMPABLE),
              Argument(1, SCMP_CMP_NE, 0));
}

void AddNoNetworkRules(Filter& filter) {
  for (const int call :
       {SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind)}) {
    filter.Rule(SCMP_ACT_ERRNO(EACCES), call);
  }
}

}  // namespace

absl::Status InstallSeccompFilter(const Profile& profile) {
#ifdef SEALWARD_SANITIZED
  const bool allow_list = false;
#else
  const bool allow_list = profile.seccomp_allow_list;
#endif
  Filter filter(allow_list ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ALLOW);
  if (allow_list) {
    for (const int call : kAllowed) filter.Rule(SCMP_ACT_ALLOW, call);
  } else {
    for (const int call : kDenied) filter.Rule(SCMP_ACT_KILL_PROCESS, call);
  }
  AddConditionalRules(filter, allow_list);
  if (!profile.network) AddNoNetworkRules(filter);
  return filter.Load();
}

}  // namespace sealward::hsm
