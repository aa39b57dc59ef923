// sealward trust-domains create|get|list|update|delete
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/duration.h"
#include "client/cli/exit_code.h"
#include "client/cli/input_file.h"
#include "client/cli/table.h"
#include "common/resource_name.h"
#include "sealward/v1/trust_domain_service.grpc.pb.h"

namespace sealward::client::cli {
namespace {

using Service = v1::TrustDomainService;

struct Flags {
  std::string domain;
  std::string bundle;
  std::string etag;
  bool validate_only = false;
};

constexpr char kAdminOnly[] = "Needs the role admin on the service.\n\n";

// corp.example = trustDomains/corp.example
absl::StatusOr<TrustDomainName> Expand(const std::string& text) {
  auto name = TrustDomainName::Parse(
      absl::StartsWith(text, "trustDomains/") ? text : "trustDomains/" + text);
  if (name.ok()) return name;
  return UsageError(absl::StrCat("\"", text, "\" is no trust domain; it is like corp.example"));
}

std::string Text(const v1::TrustDomain& domain) {
  Fields fields;
  fields.Add("Name", domain.name());
  for (const v1::CaCertificate& ca : domain.certificates()) {
    fields.Add("CA", absl::StrCat(ca.subject(), ", until ", FormatTime(true, ca.expire_time())));
    fields.Add("  SHA-256", ca.fingerprint());
  }
  fields.Add("Created", FormatTime(domain.has_create_time(), domain.create_time()));
  fields.Add("Etag", domain.etag());
  return fields.ToString();
}

absl::Status Create(Session& session, const Flags& flags) {
  auto name = Expand(flags.domain);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  auto bundle = ReadInputFile("--bundle", flags.bundle);
  if (!bundle.ok()) return bundle.status();
  v1::CreateTrustDomainRequest request;
  request.set_trust_domain_id(name->trust_domain);
  request.mutable_trust_domain()->set_ca_bundle_pem(*std::move(bundle));
  request.set_validate_only(flags.validate_only);
  auto domain = session.Call<Service>(&Service::Stub::CreateTrustDomain, request);
  if (domain.ok()) session.Print(*domain, Text(*domain));
  return domain.status();
}

absl::Status Update(Session& session, const Flags& flags) {
  auto name = Expand(flags.domain);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  auto bundle = ReadInputFile("--bundle", flags.bundle);
  if (!bundle.ok()) return bundle.status();
  v1::UpdateTrustDomainRequest request;
  request.mutable_trust_domain()->set_name(name->ToString());
  request.mutable_trust_domain()->set_ca_bundle_pem(*std::move(bundle));
  request.mutable_trust_domain()->set_etag(flags.etag);
  request.set_validate_only(flags.validate_only);
  auto domain = session.Call<Service>(&Service::Stub::UpdateTrustDomain, request);
  if (domain.ok()) session.Print(*domain, Text(*domain));
  return domain.status();
}

absl::Status Get(Session& session, const Flags& flags) {
  auto name = Expand(flags.domain);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::GetTrustDomainRequest request;
  request.set_name(name->ToString());
  auto domain = session.Call<Service>(&Service::Stub::GetTrustDomain, request);
  if (domain.ok()) session.Print(*domain, Text(*domain));
  return domain.status();
}

absl::Status Delete(Session& session, const Flags& flags) {
  auto name = Expand(flags.domain);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::DeleteTrustDomainRequest request;
  request.set_name(name->ToString());
  request.set_etag(flags.etag);
  auto done = session.Call<Service>(&Service::Stub::DeleteTrustDomain, request);
  if (done.ok()) session.Print(*done, absl::StrCat("deleted ", name->ToString(), "\n"));
  return done.status();
}

absl::Status List(Session& session) {
  auto all =
      ListAll<Service>(session, &Service::Stub::ListTrustDomains, v1::ListTrustDomainsRequest(),
                       [](v1::ListTrustDomainsResponse& page, v1::ListTrustDomainsResponse& sum) {
                         sum.mutable_trust_domains()->MergeFrom(page.trust_domains());
                       });
  if (!all.ok()) return all.status();
  Table table({"NAME", "CAS", "CREATED"});
  for (const auto& domain : all->trust_domains()) {
    table.Add({domain.name(), absl::StrCat(domain.certificates_size()),
               FormatTime(domain.has_create_time(), domain.create_time())});
  }
  session.Print(*all, table.ToString());
  return absl::OkStatus();
}

void AddChange(CLI::App& group, Chosen& chosen, const std::shared_ptr<Flags>& flags,
               const std::string& name, const std::string& description, const std::string& help,
               absl::Status (*run)(Session&, const Flags&)) {
  CLI::App* change =
      AddCommand(group, chosen, name, description,
                 absl::StrCat(kAdminOnly, help, "Example:\n  sealward trust-domains ", name,
                              " corp.example --bundle corp-ca.pem"),
                 [flags, run](Session& session) { return run(session, *flags); });
  change->add_option("DOMAIN", flags->domain, "The trust domain, for example corp.example")
      ->required();
  change->add_option("--bundle", flags->bundle, "PEM file: 1 to 32 CA certificates")->required();
  change->add_flag("--validate-only", flags->validate_only, "Check everything, change nothing");
  if (name == "update") {
    change->add_option("--etag", flags->etag, "Only if the trust domain still has this etag");
  }
}

}  // namespace

void AddTrustDomainCommands(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* group =
      AddGroup(app, "trust-domains", "Trust domains: which CAs vouch for which SPIFFE IDs");
  AddChange(*group, chosen, flags, "create", "Trust another SPIFFE trust domain", "", Create);
  AddChange(*group, chosen, flags, "update", "Replace the CAs of a trust domain",
            "Certificates that only the old CAs vouched for are refused from the next call on.\n\n",
            Update);
  CLI::App* get = AddCommand(*group, chosen, "get", "Show a trust domain and its CAs",
                             "Needs the role admin or auditor on the service.\n\n"
                             "Example:\n  sealward trust-domains get corp.example",
                             [flags](Session& session) { return Get(session, *flags); });
  get->add_option("DOMAIN", flags->domain, "corp.example, or trustDomains/corp.example")
      ->required();
  AddCommand(*group, chosen, "list", "List the trust domains",
             "Needs the role admin or auditor on the service. Those of the server's "
             "configuration are not\namong them.\n\nExample:\n  sealward trust-domains list",
             [](Session& session) { return List(session); });
  CLI::App* remove =
      AddCommand(*group, chosen, "delete", "Trust a trust domain no more",
                 absl::StrCat(kAdminOnly,
                              "Its certificates are refused from the next call on.\n\n"
                              "Example:\n  sealward trust-domains delete corp.example"),
                 [flags](Session& session) { return Delete(session, *flags); });
  remove->add_option("DOMAIN", flags->domain, "corp.example, or trustDomains/corp.example")
      ->required();
  remove->add_option("--etag", flags->etag, "Only if the trust domain still has this etag");
}

}  // namespace sealward::client::cli
