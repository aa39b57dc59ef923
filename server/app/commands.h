// The subcommands of sealward-server; each returns an exit code and has said
// on stderr what went wrong.
#ifndef SEALWARD_SERVER_APP_COMMANDS_H_
#define SEALWARD_SERVER_APP_COMMANDS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sealward::app {

// Where the configuration comes from.
struct ConfigSource {
  std::string path;
  std::string default_hsm_binary;
};

// Creates the store with `admins`, one or two principals, bound at service level.
int RunInit(const ConfigSource& source, const std::vector<std::string>& admins);

// Serves until SIGTERM or SIGINT, then lets calls under way finish; a second
// signal ends it at once.
int RunServe(const ConfigSource& source, absl::string_view ready_file);

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_COMMANDS_H_
