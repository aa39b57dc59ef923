#include "client/cli/commands.h"

#include "absl/strings/str_cat.h"

namespace sealward::client::cli {

CLI::App* AddGroup(CLI::App& app, const std::string& name, const std::string& description) {
  CLI::App* group = app.add_subcommand(name, description);
  group->require_subcommand(0, 1);  // App says what is missing, with suggestions
  return group;
}

CLI::App* AddCommand(CLI::App& parent, Chosen& chosen, const std::string& name,
                     const std::string& description, const std::string& help,
                     std::function<absl::Status(Session&)> run) {
  CLI::App* command = parent.add_subcommand(name, description);
  command->footer(help);
  const bool grouped = parent.get_parent() != nullptr;
  std::string full = grouped ? absl::StrCat(parent.get_name(), " ", name) : name;
  command->callback(
      [&chosen, full = std::move(full), run = std::move(run)] { chosen = {full, run}; });
  return command;
}

}  // namespace sealward::client::cli
