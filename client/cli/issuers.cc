// sealward issuers create|get|list|update
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/commands.h"
#include "client/cli/duration.h"
#include "client/cli/exit_code.h"
#include "client/cli/names.h"
#include "client/cli/suggest.h"
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
  std::string profile;
  int max_jwks_keys = 0;
  std::string etag;
  bool shared = false;
  bool validate_only = false;
};

const std::vector<std::string>& Profiles() {
  // By the number of v1::ValidatorProfile, from 1 on.
  static const std::vector<std::string> kProfiles = {"default", "aws", "dotnet", "istio-cdn"};
  return kProfiles;
}

std::string ProfileText(v1::ValidatorProfile profile) {
  const auto index = static_cast<size_t>(profile) - 1;
  return index < Profiles().size() ? Profiles()[index] : "?";
}

absl::StatusOr<v1::ValidatorProfile> ParseProfile(const std::string& text) {
  for (size_t i = 0; i < Profiles().size(); ++i) {
    if (Profiles()[i] == text) return static_cast<v1::ValidatorProfile>(i + 1);
  }
  return UsageError(absl::StrCat("--validator-profile: \"", text, "\" is not one of ",
                                 absl::StrJoin(Profiles(), ", "), DidYouMean(text, Profiles())));
}

std::string Text(const v1::Issuer& issuer) {
  Fields fields;
  fields.Add("Name", issuer.name());
  fields.Add("Issuer URL", issuer.issuer_url());
  fields.Add("JWKS", issuer.jwks_uri());
  fields.Add("Max age", DurationText(FromProto(issuer.max_age())));
  fields.Add("Propagation time", DurationText(FromProto(issuer.propagation_time())));
  fields.Add("Validators", ProfileText(issuer.validator_profile()));
  fields.Add("Most keys", absl::StrCat(issuer.max_jwks_keys()));
  fields.Add("Shared", issuer.shared() ? "yes" : "no");
  fields.Add("Created", FormatTime(issuer.has_create_time(), issuer.create_time()));
  fields.Add("Etag", issuer.etag());
  return fields.ToString();
}

// Sets what is given about caches.
absl::Status SetPromise(const Flags& flags, v1::Issuer& issuer) {
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
  if (!flags.profile.empty()) {
    auto profile = ParseProfile(flags.profile);
    if (!profile.ok()) return profile.status();
    issuer.set_validator_profile(*profile);
  }
  issuer.set_max_jwks_keys(flags.max_jwks_keys);
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
  if (auto status = SetPromise(flags, *request.mutable_issuer()); !status.ok()) return status;
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

absl::Status Update(Session& session, const Flags& flags) {
  auto name = ExpandIssuer(flags.issuer);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::UpdateIssuerRequest request;
  request.mutable_issuer()->set_name(name->ToString());
  request.mutable_issuer()->set_etag(flags.etag);
  request.set_validate_only(flags.validate_only);
  if (auto status = SetPromise(flags, *request.mutable_issuer()); !status.ok()) return status;
  const auto add = [&request](const char* path, bool given) {
    if (given) request.mutable_update_mask()->add_paths(path);
  };
  add("max_age", !flags.max_age.empty());
  add("propagation_time", !flags.propagation_time.empty());
  add("validator_profile", !flags.profile.empty());
  add("max_jwks_keys", flags.max_jwks_keys != 0);
  if (request.update_mask().paths().empty()) {
    return UsageError(
        "say what to change: --max-age, --propagation-time, --validator-profile or "
        "--max-jwks-keys");
  }
  auto issuer = session.Call<Service>(&Service::Stub::UpdateIssuer, request);
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

void AddPromise(CLI::App* command, const std::shared_ptr<Flags>& flags) {
  command->add_option("--max-age", flags->max_age,
                      "How long caches may keep the JWKS (1s to 24h; default 5m)");
  command->add_option("--propagation-time", flags->propagation_time,
                      "How long a key is published before it signs (max-age to 30d; by default "
                      "what the validators need)");
  command->add_option("--validator-profile", flags->profile,
                      absl::StrCat("Whose caches count: ", absl::StrJoin(Profiles(), ", ")));
  command->add_option("--max-jwks-keys", flags->max_jwks_keys,
                      "Most keys in the JWKS, 3 to 100 (by default the profile's)");
}

void AddUpdate(CLI::App& group, Chosen& chosen, const std::shared_ptr<Flags>& flags) {
  CLI::App* update = AddCommand(
      group, chosen, "update", "Change what is promised to caches",
      "Needs the role admin on the service. A longer propagation time puts off versions that do\n"
      "not sign yet; a shorter one holds for versions published from now on.\n\n"
      "Example:\n  sealward issuers update demo/login --validator-profile aws "
      "--propagation-time 2h",
      [flags](Session& session) { return Update(session, *flags); });
  update->add_option("ISSUER", flags->issuer, "demo/login, or tenants/demo/issuers/login")
      ->required();
  AddPromise(update, flags);
  update->add_option("--etag", flags->etag, "Only if the issuer still has this etag");
  update->add_flag("--validate-only", flags->validate_only, "Check everything, change nothing");
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
  AddPromise(create, flags);
  create->add_flag("--shared", flags->shared, "Several keys may publish under this issuer");
  create->add_flag("--validate-only", flags->validate_only, "Check everything, change nothing");
}

}  // namespace

void AddIssuerCommands(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* group = AddGroup(app, "issuers", "Issuers: an iss URL and the JWKS behind it");
  AddCreate(*group, chosen, flags);
  AddUpdate(*group, chosen, flags);
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
