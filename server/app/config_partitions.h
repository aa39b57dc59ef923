// The partitions of a configuration: [hsm] and [partitions.NAME].
#ifndef SEALWARD_SERVER_APP_CONFIG_PARTITIONS_H_
#define SEALWARD_SERVER_APP_CONFIG_PARTITIONS_H_

#include "absl/strings/string_view.h"
#include "server/app/config.h"
#include "server/app/config_reader.h"

namespace sealward::app {

// Reads `config.hsm` and `config.partitions`. What is wrong is left with
// `reader`: a name that is no resource id, too many of them
// (hsm_client::kMaxOwnPartitions), a directory or socket that two of them name.
void ReadPartitions(ConfigReader& reader, absl::string_view default_binary, Config& config);

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_CONFIG_PARTITIONS_H_
