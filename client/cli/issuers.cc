// sealward issuers create|get|list
#include <memory>

#include "client/cli/commands.h"
#include "client/cli/duration.h"
#include "client/cli/names.h"
#include "client/cli/table.h"
#include "sealward/v1/issuer_service.grpc.pb.h"

namespace sealward::client::cli {
namespace {

using Service = v1::IssuerService;

struct Flags {
  std::string issuer;
  std::string tenant;
  std::string url;
  std::string max_age;
  std::string propagation_time;
  bool shared = false;
  bool validate_only = false;
};

std::string Text(const v1::Issuer& issuer) {
  Fields fields;
  fields.Add("Name", issuer.name());
  fields.Add("Issuer URL", issuer.issuer_url());
  fields.Add("JWKS", issuer.jwks_uri());
  fields.Add("Max age", DurationText(FromProto(issuer.max_age())));
  fields.Add("Propagation time", DurationText(FromProto(issuer.propagation_time())));
  fields.Add("Shared", issuer.shared() ? "yes" : "no");
  fields.Add("Created", FormatTime(issuer.has_create_time(), issuer.create_time()));
  fields.Add("Etag", issuer.etag());
  return fields.ToString();
}

absl::Status SetDurations(const Flags& flags, v1::Issuer& issuer) {
  if (!flags.max_age.empty()) {
    auto max_age = ParseDuration("--max-age", flags.max_age);
    if (!max_age.ok()) return max_age.status();
    *issuer.mutable_max_age() = ToProto(*max_age);
  }
  if (!flags.propagation_time.empty()) {
    auto time = ParseDuration("--propagation-time", flags.propagation_time);
    if (!time.ok()) return time.status();
    *issuer.mutable_propagation_time() = ToProto(*time);
  }
  return absl::OkStatus();
}

absl::Status Create(Session& session, const Flags& flags) {
  auto name = ExpandIssuer(flags.issuer);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::CreateIssuerRequest request;
  request.set_parent(name->Parent());
  request.set_issuer_id(name->issuer);
  request.mutable_issuer()->set_issuer_url(flags.url);
  request.mutable_issuer()->set_shared(flags.shared);
  request.set_validate_only(flags.validate_only);
  if (auto status = SetDurations(flags, *request.mutable_issuer()); !status.ok()) return status;
  auto issuer = session.Call<Service>(&Service::Stub::CreateIssuer, request);
  if (issuer.ok()) session.Print(*issuer, Text(*issuer));
  return issuer.status();
}

absl::Status Get(Session& session, const Flags& flags) {
  auto name = ExpandIssuer(flags.issuer);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::GetIssuerRequest request;
  request.set_name(name->ToString());
  auto issuer = session.Call<Service>(&Service::Stub::GetIssuer, request);
  if (issuer.ok()) session.Print(*issuer, Text(*issuer));
  return issuer.status();
}

absl::Status List(Session& session, const Flags& flags) {
  auto tenant = ExpandTenant(flags.tenant);
  if (!tenant.ok()) return tenant.status();
  session.SetSubject(tenant->ToString());
  v1::ListIssuersRequest request;
  request.set_parent(tenant->ToString());
  auto all = ListAll<Service>(session, &Service::Stub::ListIssuers, std::move(request),
                              [](v1::ListIssuersResponse& page, v1::ListIssuersResponse& sum) {
                                sum.mutable_issuers()->MergeFrom(page.issuers());
                              });
  if (!all.ok()) return all.status();
  Table table({"NAME", "ISSUER URL", "MAX AGE", "PROPAGATION", "SHARED"});
  for (const auto& issuer : all->issuers()) {
    table.Add({issuer.name(), issuer.issuer_url(), DurationText(FromProto(issuer.max_age())),
               DurationText(FromProto(issuer.propagation_time())), issuer.shared() ? "yes" : "no"});
  }
  session.Print(*all, table.ToString());
  return absl::OkStatus();
}

void AddCreate(CLI::App& group, Chosen& chosen, const std::shared_ptr<Flags>& flags) {
  CLI::App* create = AddCommand(
      group, chosen, "create", "Create an issuer and assign it an iss URL",
      "Needs the role admin on the service: tenants never choose their own URL.\n"
      "The tenant has to exist.\n\n"
      "Example:\n  sealward issuers create demo/login --issuer-url https://login.example.com \\\n"
      "      --max-age 5m --propagation-time 20m",
      [flags](Session& session) { return Create(session, *flags); });
  create->add_option("ISSUER", flags->issuer, "The new issuer, for example demo/login")->required();
  create->add_option("--issuer-url", flags->url, "The exact iss claim: an https URL")->required();
  create->add_option("--max-age", flags->max_age,
                     "How long caches may keep the JWKS (1s to 24h; default 5m)");
  create->add_option("--propagation-time", flags->propagation_time,
                     "How long a key is published before it signs (max-age to 30d; default 20m)");
  create->add_flag("--shared", flags->shared, "Several keys may publish under this issuer");
  create->add_flag("--validate-only", flags->validate_only, "Check everything, change nothing");
}

}  // namespace

void AddIssuerCommands(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* group = AddGroup(app, "issuers", "Issuers: an iss URL and the JWKS behind it");
  AddCreate(*group, chosen, flags);
  CLI::App* get = AddCommand(*group, chosen, "get", "Show an issuer and its JWKS URL",
                             "Needs the role viewer on the tenant.\n\n"
                             "Example:\n  sealward issuers get demo/login",
                             [flags](Session& session) { return Get(session, *flags); });
  get->add_option("ISSUER", flags->issuer, "demo/login, or tenants/demo/issuers/login")->required();
  CLI::App* list = AddCommand(*group, chosen, "list", "List a tenant's issuers",
                              "Needs the role viewer on the tenant.\n\n"
                              "Example:\n  sealward issuers list demo",
                              [flags](Session& session) { return List(session, *flags); });
  list->add_option("TENANT", flags->tenant, "demo, or tenants/demo")->required();
}

}  // namespace sealward::client::cli
