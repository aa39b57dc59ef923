// sealward tenants create|get|list|update
#include <memory>

#include "client/cli/commands.h"
#include "client/cli/duration.h"
#include "client/cli/exit_code.h"
#include "client/cli/names.h"
#include "client/cli/quota_options.h"
#include "client/cli/table.h"
#include "sealward/v1/tenant_service.grpc.pb.h"

namespace sealward::client::cli {
namespace {

using Service = v1::TenantService;

struct Flags {
  std::string tenant;
  std::string display_name;
  std::string partition;
  bool sets_display_name = false;
  QuotaFlags quota;
  std::string etag;
  bool validate_only = false;
};

std::string Text(const v1::Tenant& tenant) {
  Fields fields;
  fields.Add("Name", tenant.name());
  fields.Add("Display name", tenant.display_name());
  fields.Add("Partition", tenant.partition().empty() ? "default" : tenant.partition());
  fields.Add("Quota", QuotaText(tenant.has_quota(), tenant.quota()));
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
  flags.quota.Fill(*request.mutable_tenant());
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

absl::Status Update(Session& session, const Flags& flags) {
  auto name = ExpandTenant(flags.tenant);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::UpdateTenantRequest request;
  request.mutable_tenant()->set_name(name->ToString());
  request.mutable_tenant()->set_etag(flags.etag);
  request.set_validate_only(flags.validate_only);
  if (flags.sets_display_name) {
    request.mutable_update_mask()->add_paths("display_name");
    request.mutable_tenant()->set_display_name(flags.display_name);
  }
  if (flags.quota.given()) request.mutable_update_mask()->add_paths("quota");
  flags.quota.Fill(*request.mutable_tenant());
  if (request.update_mask().paths().empty()) {
    return UsageError("say what to change: --display-name, --quota-per-second or --no-quota");
  }
  auto tenant = session.Call<Service>(&Service::Stub::UpdateTenant, request);
  if (tenant.ok()) session.Print(*tenant, Text(*tenant));
  return tenant.status();
}

absl::Status List(Session& session) {
  auto all = ListAll<Service>(session, &Service::Stub::ListTenants, v1::ListTenantsRequest(),
                              [](v1::ListTenantsResponse& page, v1::ListTenantsResponse& sum) {
                                sum.mutable_tenants()->MergeFrom(page.tenants());
                              });
  if (!all.ok()) return all.status();
  Table table({"NAME", "DISPLAY NAME", "QUOTA", "CREATED"});
  for (const auto& tenant : all->tenants()) {
    table.Add({tenant.name(), tenant.display_name(), QuotaText(tenant.has_quota(), tenant.quota()),
               FormatTime(tenant.has_create_time(), tenant.create_time())});
  }
  session.Print(*all, table.ToString());
  return absl::OkStatus();
}

void AddUpdate(CLI::App& group, Chosen& chosen, const std::shared_ptr<Flags>& flags) {
  CLI::App* update =
      AddCommand(group, chosen, "update", "Change a tenant's display name or quota",
                 "Needs the role admin on the service. What is not named stays as it is.\n\n"
                 "Example:\n  sealward tenants update demo --quota-per-second 500\n"
                 "  sealward tenants update demo --no-quota",
                 [flags](Session& session) { return Update(session, *flags); });
  update->add_option("TENANT", flags->tenant, "demo, or tenants/demo")->required();
  update
      ->add_option("--display-name", flags->display_name,
                   "For people, at most 128 bytes; \"\" removes it")
      ->each([flags](const std::string&) { flags->sets_display_name = true; });
  AddQuotaOptions(*update, flags->quota);
  update->add_option("--etag", flags->etag,
                     "Only if the tenant still has this etag (see tenants get)");
  update->add_flag("--validate-only", flags->validate_only, "Check everything, change nothing");
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
  AddQuotaOptions(*create, flags->quota);
  create->add_flag("--validate-only", flags->validate_only, "Check everything, change nothing");
  CLI::App* get = AddCommand(*group, chosen, "get", "Show a tenant",
                             "Needs the role viewer on the tenant, or any role on the service.\n\n"
                             "Example:\n  sealward tenants get demo",
                             [flags](Session& session) { return Get(session, *flags); });
  get->add_option("TENANT", flags->tenant, "demo, or tenants/demo")->required();
  AddCommand(*group, chosen, "list", "List all tenants",
             "Needs a role on the service.\n\nExample:\n  sealward tenants list -o json",
             [](Session& session) { return List(session); });
  AddUpdate(*group, chosen, flags);
}

}  // namespace sealward::client::cli
