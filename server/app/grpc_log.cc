#include "server/app/grpc_log.h"

#include <grpc/support/log.h>

#include "absl/strings/string_view.h"
#include "server/telemetry/logging.h"

namespace sealward::app {
namespace {

telemetry::Level LevelOf(gpr_log_severity severity) {
  switch (severity) {
    case GPR_LOG_SEVERITY_ERROR:
      return telemetry::Level::kWarning;  // a client's mistake, as a rule
    case GPR_LOG_SEVERITY_INFO:
      return telemetry::Level::kInfo;
    case GPR_LOG_SEVERITY_DEBUG:
      break;
  }
  return telemetry::Level::kDebug;
}

void Record(gpr_log_func_args* args) {
  absl::string_view message(args->message);
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) {
    message.remove_suffix(1);
  }
  telemetry::Log(LevelOf(args->severity), "grpc", {{"message", message}});
}

}  // namespace

void UseOurLogForGrpc() { gpr_set_log_function(Record); }

}  // namespace sealward::app
