// sealward tenants create|get|list
#include <memory>

#include "client/cli/commands.h"
#include "client/cli/duration.h"
#include "client/cli/names.h"
#include "client/cli/table.h"
#include "sealward/v1/tenant_service.grpc.pb.h"

namespace sealward::client::cli {
namespace {

using Service = v1::TenantService;

struct Flags {
  std::string tenant;
  std::string display_name;
  std::string partition;
  bool validate_only = false;
};

std::string Text(const v1::Tenant& tenant) {
  Fields fields;
  fields.Add("Name", tenant.name());
  fields.Add("Display name", tenant.display_name());
  fields.Add("Partition", tenant.partition().empty() ? "default" : tenant.partition());
  fields.Add("Created", FormatTime(tenant.has_create_time(), tenant.create_time()));
  fields.Add("Etag", tenant.etag());
  return fields.ToString();
}

absl::Status Create(Session& session, const Flags& flags) {
  auto name = ExpandTenant(flags.tenant);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::CreateTenantRequest request;
  request.set_tenant_id(name->tenant);
  request.mutable_tenant()->set_display_name(flags.display_name);
  request.mutable_tenant()->set_partition(flags.partition);
  request.set_validate_only(flags.validate_only);
  auto tenant = session.Call<Service>(&Service::Stub::CreateTenant, request);
  if (tenant.ok()) session.Print(*tenant, Text(*tenant));
  return tenant.status();
}

absl::Status Get(Session& session, const Flags& flags) {
  auto name = ExpandTenant(flags.tenant);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::GetTenantRequest request;
  request.set_name(name->ToString());
  auto tenant = session.Call<Service>(&Service::Stub::GetTenant, request);
  if (tenant.ok()) session.Print(*tenant, Text(*tenant));
  return tenant.status();
}

absl::Status List(Session& session) {
  auto all = ListAll<Service>(session, &Service::Stub::ListTenants, v1::ListTenantsRequest(),
                              [](v1::ListTenantsResponse& page, v1::ListTenantsResponse& sum) {
                                sum.mutable_tenants()->MergeFrom(page.tenants());
                              });
  if (!all.ok()) return all.status();
  Table table({"NAME", "DISPLAY NAME", "CREATED"});
  for (const auto& tenant : all->tenants()) {
    table.Add({tenant.name(), tenant.display_name(),
               FormatTime(tenant.has_create_time(), tenant.create_time())});
  }
  session.Print(*all, table.ToString());
  return absl::OkStatus();
}

}  // namespace

void AddTenantCommands(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* group = AddGroup(app, "tenants", "Tenants: the unit of isolation");
  CLI::App* create =
      AddCommand(*group, chosen, "create", "Create a tenant",
                 "Needs the role admin on the service.\n\n"
                 "Example:\n  sealward tenants create demo --display-name \"Demo tenant\"",
                 [flags](Session& session) { return Create(session, *flags); });
  create->add_option("TENANT", flags->tenant, "The new tenant, for example demo")->required();
  create->add_option("--display-name", flags->display_name, "For people, at most 128 bytes");
  create->add_option("--partition", flags->partition,
                     "The HSM partition of its keys, from the server's configuration; for ever "
                     "(default: the shared one)");
  create->add_flag("--validate-only", flags->validate_only, "Check everything, change nothing");
  CLI::App* get = AddCommand(*group, chosen, "get", "Show a tenant",
                             "Needs the role viewer on the tenant, or any role on the service.\n\n"
                             "Example:\n  sealward tenants get demo",
                             [flags](Session& session) { return Get(session, *flags); });
  get->add_option("TENANT", flags->tenant, "demo, or tenants/demo")->required();
  AddCommand(*group, chosen, "list", "List all tenants",
             "Needs a role on the service.\n\nExample:\n  sealward tenants list -o json",
             [](Session& session) { return List(session); });
}

}  // namespace sealward::client::cli
