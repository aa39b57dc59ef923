// What the exit code of `sealward` says; the table is part of --help.
#ifndef SEALWARD_CLIENT_CLI_EXIT_CODE_H_
#define SEALWARD_CLIENT_CLI_EXIT_CODE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sealward::client::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitOther = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitNotAllowed = 3;
inline constexpr int kExitPrecondition = 4;
inline constexpr int kExitUnavailable = 5;
inline constexpr int kExitCriticalAlarm = 6;
inline constexpr int kExitInterrupted = 130;  // 128 + SIGINT, as shells have it

// The table for --help.
extern const absl::string_view kExitCodeHelp;

// The exit code of a command that ended with `status`.
int ExitCodeOf(const absl::Status& status);

// INVALID_ARGUMENT (USAGE): the command line or a local file is wrong.
absl::Status UsageError(absl::string_view message);

}  // namespace sealward::client::cli

#endif  // SEALWARD_CLIENT_CLI_EXIT_CODE_H_
