// The hardening measures by name, and a way for tests to leave one out.
#ifndef SEALWARD_COMMON_MEASURES_H_
#define SEALWARD_COMMON_MEASURES_H_

// A measure is one line of hardening that stands for itself: hsm/hardening.h,
// hsm/pin.h, hsm/wipe_on_free.h, server/app/commands.cc. Each has a probe
// (tests/contract/hsm/measures_test.cc) that sees its effect, and that must turn red
// when the measure is left out. For that alone a build with SEALWARD_FAILPOINTS
// (common/failpoint.h; never a release, CMakeLists.txt refuses it) reads
//
//   SEALWARD_WITHOUT=core-limit,not-dumpable
//
// once, at its first use. Any other build has no such variable: SEALWARD_OMITTED is
// false at compile time, and nothing of the names is in the binary.

namespace sealward {

enum class Measure {
  kOwnUser,        // own-user: not root, but the owner of the partition
  kDropGroups,     // drop-groups: no supplementary groups
  kCoreLimit,      // core-limit: RLIMIT_CORE 1
  kNotDumpable,    // not-dumpable: PR_SET_DUMPABLE 0
  kNoNewPrivs,     // no-new-privs
  kSandbox,        // sandbox: the seccomp filter
  kStackBurn,      // stack-burn
  kWipeOnFree,     // wipe-on-free
  kImmediateBind,  // immediate-bind: LD_BIND_NOW
  kMemoryLock,     // memory-lock: mlockall
  kPinLock,        // pin-lock: mlock of the PIN's page
  kPinNoDump,      // pin-no-dump: MADV_DONTDUMP
  kPinWipeOnFork,  // pin-wipe-on-fork: MADV_WIPEONFORK
  kPinWipe,        // pin-wipe: after the login
  kPeerCheck,      // peer-check: SO_PEERCRED of who connects
  kServerNoDump,   // server-not-dumpable: PR_SET_DUMPABLE 0 of sealward-server
};

#ifdef SEALWARD_FAILPOINTS

inline constexpr char kWithoutVariable[] = "SEALWARD_WITHOUT";

// Whether a test has left `measure` out. A name in the variable that is no measure's
// ends the process: a probe that leaves nothing out proves nothing. Thread-safe.
bool Omitted(Measure measure);

// Reads the variable again. For tests in whose process the measures are taken.
void ReadOmittedAgain();

#endif

}  // namespace sealward

// SEALWARD_OMITTED(kCoreLimit): whether that measure is left out.
#ifdef SEALWARD_FAILPOINTS
#define SEALWARD_OMITTED(measure) ::sealward::Omitted(::sealward::Measure::measure)
#else
#define SEALWARD_OMITTED(measure) false
#endif

#endif  // SEALWARD_COMMON_MEASURES_H_
