// Waiting for a child process to end, with a bound.
#ifndef SEALWARD_SERVER_HSM_CLIENT_REAP_H_
#define SEALWARD_SERVER_HSM_CLIENT_REAP_H_

#include <sys/types.h>

#include <chrono>
#include <optional>

namespace sealward::hsm_client {

// How long a process may take to end after its socket did.
inline constexpr std::chrono::milliseconds kEndGrace{2000};
// The same for one that is still logging in, which must not be killed.
inline constexpr std::chrono::milliseconds kLoginGrace{30000};

// Waits for child `pid` to end and returns its wait status. One that is late is
// killed if `may_kill`; else it is left alone and the answer is nullopt.
std::optional<int> Reap(pid_t pid, bool may_kill);

}  // namespace sealward::hsm_client

#endif  // SEALWARD_SERVER_HSM_CLIENT_REAP_H_
