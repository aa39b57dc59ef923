// sealward-server: signs for token issuers, publishes for validators, obeys
// operators. Never sees a PIN or a private HSM key.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "common/version.h"
#include "server/app/commands.h"
#include "server/app/exit_codes.h"

namespace {

constexpr char kDescription[] =
    "The Sealward server. Reads its configuration from a TOML file (README.md, \"Configuration\").";

constexpr char kFooter[] =
    "Exit codes: 0 ended on request; 2 usage; 74 the store is missing, corrupt or of a newer\n"
    "schema; 75 an address or the store is in use; 78 the configuration or a file it names,\n"
    "or a partition that init refuses.\n"
    "\n"
    "Examples:\n"
    "  sealward-server init  --config sealward.toml --admin spiffe://example.org/admin\n"
    "  sealward-server serve --config sealward.toml\n";

// sealward-hsm is installed beside the server.
std::string DefaultHsmBinary(const char* argv0) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return ((error ? std::filesystem::path(argv0) : self).parent_path() / "sealward-hsm").string();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(kDescription, "sealward-server");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", sealward::kVersion);
  std::string config;
  std::vector<std::string> admins;
  std::string ready_file;

  CLI::App* init =
      app.add_subcommand("init",
                         "Create the store with its first admin. Offline; refuses a store that "
                         "exists, and a partition that holds keys already.");
  init->add_option("--config", config, "Configuration file")->required();
  init->add_option("--admin", admins,
                   "Principal of the first admin: spiffe://… or subject:<distinguished name>. "
                   "Give it twice for two admins, who can approve each other's changes at once")
      ->required()
      ->allow_extra_args(false);
  CLI::App* serve = app.add_subcommand("serve", "Serve until SIGTERM or SIGINT.");
  serve->add_option("--config", config, "Configuration file")->required();
  serve->add_option("--ready-file", ready_file,
                    "Write addresses and process ids here, as JSON, when everything serves");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? sealward::app::kExitOk : sealward::app::kExitUsage;
  }
  const std::string binary = DefaultHsmBinary(argv[0]);
  return init->parsed() ? sealward::app::RunInit({config, binary}, admins)
                        : sealward::app::RunServe({config, binary}, ready_file);
}
