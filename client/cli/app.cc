#include "client/cli/app.h"

#include <algorithm>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/output.h"
#include "client/cli/suggest.h"
#include "common/version.h"

namespace sealward::client::cli {
namespace {

void AddGlobalOptions(CLI::App& app, GlobalOptions& options) {
  app.add_option("--config", options.config,
                 "TOML file with server, signing_server, cert, key, ca; paths relative to it")
      ->envname("SEALWARD_CONFIG");
  app.add_option("--server", options.flags.server,
                 "HOST:PORT of the admin listener, or unix:/PATH of the server's local_listen");
  app.add_option("--signing-server", options.flags.signing_server,
                 "HOST:PORT of the signing listener (default: --server)");
  app.add_option("--cert", options.flags.cert, "PEM file: client certificate");
  app.add_option("--key", options.flags.key, "PEM file: its private key");
  app.add_option("--ca", options.flags.ca, "PEM file: CA of the server's certificate");
  app.add_option("-o,--output", options.output, "table or json (protobuf JSON, one object)")
      ->check(CLI::IsMember({"table", "json"}));
  app.add_option("--timeout", options.timeout, "Longest wait for an answer, for example 10s");
  app.add_option("--request-id", options.request_id,
                 "Makes repeating a change safe: with the same id (a UUID, say) within a day\n"
                 "nothing is done twice and the first answer comes again");
}

void AddCommands(CLI::App& app, Chosen& chosen) {
  AddTenantCommands(app, chosen);
  AddIssuerCommands(app, chosen);
  AddForeignKeyCommands(app, chosen);
  AddKeyCommands(app, chosen);
  AddVersionCommands(app, chosen);
  AddRevokeCommand(app, chosen);
  AddBindingCommands(app, chosen);
  AddApprovalCommands(app, chosen);
  AddTrustDomainCommands(app, chosen);
  AddCertificateCommands(app, chosen);
  AddPartitionCommands(app, chosen);
  AddBackupCommands(app, chosen);
  AddSigningCommands(app, chosen);
  AddRawSigningCommands(app, chosen);
  AddQuarantineCommands(app, chosen);
  AddStatusCommand(app, chosen);
  AddAlarmCommands(app, chosen);
  AddDebugCommands(app, chosen);
}

// The command or group that the command line got to.
const CLI::App* Deepest(const CLI::App* app) {
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

std::string FullName(const CLI::App* app) {
  if (app->get_parent() == nullptr) return "sealward";
  return absl::StrCat(FullName(app->get_parent()), " ", app->get_name());
}

std::vector<std::string> CommandNames(const CLI::App* app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app->get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::vector<std::string> FlagNames(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

// What is wrong with a command line that has words left over, or too few.
std::string Complaint(const CLI::App& app) {
  const CLI::App* at = Deepest(&app);
  const std::vector<std::string> commands = CommandNames(at);
  for (const std::string& word : app.remaining(true)) {
    const bool flag = absl::StartsWith(word, "-");
    if (!flag && commands.empty()) return absl::StrCat("\"", word, "\" is one argument too many");
    return absl::StrCat("unknown ", flag ? "flag" : "command", " \"", word, "\"",
                        DidYouMean(word, flag ? FlagNames(at) : commands));
  }
  return absl::StrCat("\"", FullName(at), "\" needs a command: ", absl::StrJoin(commands, ", "));
}

int Usage(const CLI::App& app, absl::string_view message, std::ostream& err) {
  err << "sealward: " << message << "\nRun \"" << FullName(Deepest(&app))
      << " --help\" for how it is used.\n";
  return kExitUsage;
}

int Run(const GlobalOptions& options, const Chosen& chosen, std::ostream& out, std::ostream& err) {
  std::string what = chosen.name;
  auto session = Session::Create(options, out);
  absl::Status status = session.status();
  if (status.ok()) {
    status = chosen.run(**session);
    if (!(*session)->subject().empty()) absl::StrAppend(&what, " ", (*session)->subject());
  }
  if (status.ok() && !out.good()) {
    status = absl::DataLossError("the answer could not be written to standard output");
  }
  if (!status.ok()) err << (options.output == "json" ? ErrorJson(status) : ErrorText(what, status));
  return status.ok() ? (*session)->exit_code() : ExitCodeOf(status);
}

}  // namespace

int RunApp(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err) {
  GlobalOptions options;
  Chosen chosen;
  CLI::App app("Manage signing keys that stay in an HSM, and sign JWTs with them.", "sealward");
  app.fallthrough();
  app.set_version_flag("--version", absl::StrCat("sealward ", kVersion));
  app.require_subcommand(0, 1);
  app.footer(std::string(kExitCodeHelp) +
             "\nKeys and issuers have short names: demo/main is tenants/demo/keys/main.\n"
             "Example:\n  SEALWARD_CONFIG=admin.toml sealward keys list demo");
  AddGlobalOptions(app, options);
  AddCommands(app, chosen);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::Success&) {
    // --help or --version, of the command they follow.
    const bool version = app.get_option("--version")->count() > 0;
    out << (version ? absl::StrCat("sealward ", kVersion, "\n") : app.help()) << std::flush;
    return kExitOk;
  } catch (const CLI::ExtrasError&) {
    return Usage(app, Complaint(app), err);
  } catch (const CLI::ParseError& error) {
    return Usage(app, error.what(), err);
  }
  if (!chosen.run) return Usage(app, Complaint(app), err);
  return Run(options, chosen, out, err);
}

}  // namespace sealward::client::cli
