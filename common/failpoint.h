// Places to be killed at: what the crash tests (tests/e2e/test_crash.py) arm.
#ifndef SEALWARD_COMMON_FAILPOINT_H_
#define SEALWARD_COMMON_FAILPOINT_H_

// SEALWARD_FAILPOINT("key.intent_committed") stands on a boundary between two steps
// that a kill may separate. It is nothing unless the build has SEALWARD_FAILPOINTS
// (CMake option of the same name, on in the dev preset, never in a release); then
// the environment variable SEALWARD_FAILPOINT arms one place:
//
//   NAME COUNT FILE
//
// The process that comes to NAME for the COUNT-th time makes FILE and ends itself
// with SIGKILL. Where FILE is there already nothing happens: of a server and its
// sealward-hsm processes, restarted ones too, one dies. Thread-safe.
#ifdef SEALWARD_FAILPOINTS

namespace sealward::failpoint {

inline constexpr char kVariable[] = "SEALWARD_FAILPOINT";

void Hit(const char* name);

}  // namespace sealward::failpoint

#define SEALWARD_FAILPOINT(name) ::sealward::failpoint::Hit(name)
#else
#define SEALWARD_FAILPOINT(name) static_cast<void>(0)
#endif

#endif  // SEALWARD_COMMON_FAILPOINT_H_
