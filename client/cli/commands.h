// The commands of `sealward`, one function for each resource.
#ifndef SEALWARD_CLIENT_CLI_COMMANDS_H_
#define SEALWARD_CLIENT_CLI_COMMANDS_H_

#include <functional>
#include <string>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "client/cli/session.h"

namespace sealward::client::cli {

// Most pages that one list command fetches.
inline constexpr int kMaxPages = 10'000;

// Chosen is the command that the command line named.
struct Chosen {
  std::string name;  // "keys rotate"
  std::function<absl::Status(Session&)> run;
};

// Each adds its commands to `app`; parsing a command line sets `chosen`.
void AddTenantCommands(CLI::App& app, Chosen& chosen);
void AddIssuerCommands(CLI::App& app, Chosen& chosen);
void AddKeyCommands(CLI::App& app, Chosen& chosen);
void AddKeyLifecycleCommands(CLI::App& keys, Chosen& chosen);
void AddKeyPlanCommands(CLI::App& keys, Chosen& chosen);
void AddVersionCommands(CLI::App& app, Chosen& chosen);
void AddRevokeCommand(CLI::App& app, Chosen& chosen);
void AddForeignKeyCommands(CLI::App& app, Chosen& chosen);
void AddQuarantineCommands(CLI::App& app, Chosen& chosen);
void AddBindingCommands(CLI::App& app, Chosen& chosen);
void AddApprovalCommands(CLI::App& app, Chosen& chosen);
void AddBackupCommands(CLI::App& app, Chosen& chosen);
void AddTrustDomainCommands(CLI::App& app, Chosen& chosen);
void AddCertificateCommands(CLI::App& app, Chosen& chosen);
void AddPartitionCommands(CLI::App& app, Chosen& chosen);
void AddSigningCommands(CLI::App& app, Chosen& chosen);
void AddRawSigningCommands(CLI::App& app, Chosen& chosen);
void AddStatusCommand(CLI::App& app, Chosen& chosen);
void AddAlarmCommands(CLI::App& app, Chosen& chosen);
void AddDebugCommands(CLI::App& app, Chosen& chosen);

// A group of commands, such as `keys`.
CLI::App* AddGroup(CLI::App& app, const std::string& name, const std::string& description);

// A command with `help`: what it does, what it needs (the role), an example.
CLI::App* AddCommand(CLI::App& parent, Chosen& chosen, const std::string& name,
                     const std::string& description, const std::string& help,
                     std::function<absl::Status(Session&)> run);

// All pages of a list as one response. `add` moves a page's items over.
template <typename Service, typename Request, typename Response, typename Add>
absl::StatusOr<Response> ListAll(const Session& session,
                                 grpc::Status (Service::Stub::*method)(grpc::ClientContext*,
                                                                       const Request&, Response*),
                                 Request request, Add add) {
  Response all;
  request.set_page_size(1000);
  for (int page = 0; page < kMaxPages; ++page) {
    auto response = session.Call<Service>(method, request);
    if (!response.ok()) return response.status();
    add(*response, all);
    if (response->next_page_token().empty()) return all;
    request.set_page_token(response->next_page_token());
  }
  return absl::InternalError("the server's list does not end");
}

}  // namespace sealward::client::cli

#endif  // SEALWARD_CLIENT_CLI_COMMANDS_H_
