// How sealward-hsm ends. The codes follow sysexits.h; the server and systemd
// act on them.
#ifndef SEALWARD_HSM_EXIT_CODES_H_
#define SEALWARD_HSM_EXIT_CODES_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sealward::hsm {

inline constexpr int kExitOk = 0;                  // the socket ended
inline constexpr int kExitUsage = 2;               // wrong command line
inline constexpr int kExitPartitionUnusable = 69;  // module, token or key is not usable
inline constexpr int kExitProtocolViolation = 70;  // a packet that is not understood
inline constexpr int kExitHsmLost = 75;            // HSM or login gone: replace the process
inline constexpr int kExitPinLatched = 77;         // PIN refused; do not start again
inline constexpr int kExitBadConfiguration = 78;   // hsm.toml, ownership or modes

// MakeError (common/errors.h) with the exit code that the error leads to.
absl::Status ExitError(int exit_code, absl::string_view reason, absl::string_view message);

// `status` with an exit code, unless it has one already.
absl::Status WithExitCode(int exit_code, absl::Status status);

// As WithExitCode, for what went wrong on the way to the partition: kExitHsmLost if
// the HSM answered that it is gone, else kExitPartitionUnusable.
absl::Status WithUnusableExitCode(absl::Status status);

// The exit code of `status`: 0 if OK, kExitPartitionUnusable where none was set.
int ExitCodeOf(const absl::Status& status);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_EXIT_CODES_H_
