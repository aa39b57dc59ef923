#include "client/cli/exit_code.h"

#include "common/errors.h"

namespace sealward::client::cli {

const absl::string_view kExitCodeHelp =
    "Exit codes:\n"
    "  0    done\n"
    "  1    anything else went wrong\n"
    "  2    usage: the command line, a local file or the request is malformed\n"
    "  3    not allowed (or not there: the server gives the same answer for both)\n"
    "  4    not found, exists already, changed meanwhile, or not ready for this\n"
    "  5    no server, server overloaded, or no answer in time: try again\n"
    "  6    sealward alarms: there are critical ones\n"
    "  130  interrupted\n";

int ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kInvalidArgument:
      return kExitUsage;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return kExitNotAllowed;
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
      return kExitPrecondition;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
      return kExitUnavailable;
    default:
      return kExitOther;
  }
}

absl::Status UsageError(absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, "USAGE", message);
}

}  // namespace sealward::client::cli
