// Alarms, as several commands show them.
#ifndef SEALWARD_CLIENT_CLI_ALARMS_H_
#define SEALWARD_CLIENT_CLI_ALARMS_H_

#include <string>

#include "absl/status/statusor.h"
#include "client/cli/session.h"
#include "sealward/v1/operations_service.pb.h"

namespace sealward::client::cli {

// Every alarm below `parent` (tenants/{tenant}; empty for everything) that the caller may
// see, the worst first.
absl::StatusOr<v1::ListAlarmsResponse> ListAlarms(Session& session, const std::string& parent);

}  // namespace sealward::client::cli

#endif  // SEALWARD_CLIENT_CLI_ALARMS_H_
