// sealward bindings create|get|list|delete
#include <iterator>
#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/commands.h"
#include "client/cli/duration.h"
#include "client/cli/exit_code.h"
#include "client/cli/names.h"
#include "client/cli/suggest.h"
#include "client/cli/table.h"
#include "sealward/v1/role_binding_service.grpc.pb.h"

namespace sealward::client::cli {
namespace {

using Service = v1::RoleBindingService;

struct Flags {
  std::string binding;
  std::string tenant;
  std::string key;
  std::string principal;
  std::string role;
  std::string etag;
  bool validate_only = false;
};

struct RoleWord {
  v1::Role role;
  const char* word;
};

constexpr RoleWord kRoles[] = {
    {v1::ROLE_ADMIN, "admin"},       {v1::ROLE_TENANT_ADMIN, "tenant-admin"},
    {v1::ROLE_OPERATOR, "operator"}, {v1::ROLE_TOKEN_ISSUER, "token-issuer"},
    {v1::ROLE_VIEWER, "viewer"},     {v1::ROLE_VALIDATOR, "validator"},
    {v1::ROLE_AUDITOR, "auditor"}};

std::string RoleText(v1::Role role) {
  for (const RoleWord& row : kRoles) {
    if (row.role == role) return row.word;
  }
  return "?";
}

absl::StatusOr<v1::Role> ParseRole(const std::string& text) {
  std::vector<std::string> words;
  for (const RoleWord& row : kRoles) {
    if (row.word == text) return row.role;
    words.emplace_back(row.word);
  }
  return UsageError(absl::StrCat("--role: \"", text, "\" is not one of ",
                                 absl::StrJoin(words, ", "), DidYouMean(text, words)));
}

// The binding that the flags name: with --key just its id, which is then one of
// the key's.
absl::StatusOr<RoleBindingName> NameOf(const Flags& flags) {
  if (flags.key.empty()) return ExpandRoleBinding(flags.binding);
  const auto key = ExpandKey(flags.key);
  if (!key.ok()) return key.status();
  if (absl::StrContains(flags.binding, '/')) {
    return UsageError(absl::StrCat("BINDING: with --key only the id, not \"", flags.binding, "\""));
  }
  return ExpandRoleBinding(absl::StrCat(key->tenant, "/", key->key, "/", flags.binding));
}

std::string Text(const v1::RoleBinding& binding) {
  Fields fields;
  fields.Add("Name", binding.name());
  fields.Add("Principal", binding.principal());
  fields.Add("Role", RoleText(binding.role()));
  fields.Add("Created", FormatTime(binding.has_create_time(), binding.create_time()));
  fields.Add("Etag", binding.etag());
  return fields.ToString();
}

absl::Status Create(Session& session, const Flags& flags) {
  auto name = NameOf(flags);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  auto role = ParseRole(flags.role);
  if (!role.ok()) return role.status();
  v1::CreateRoleBindingRequest request;
  request.set_parent(name->Parent());
  request.set_role_binding_id(name->id);
  request.mutable_role_binding()->set_principal(flags.principal);
  request.mutable_role_binding()->set_role(*role);
  request.set_validate_only(flags.validate_only);
  auto binding = session.Call<Service>(&Service::Stub::CreateRoleBinding, request);
  if (binding.ok()) session.Print(*binding, Text(*binding));
  return binding.status();
}

absl::Status Get(Session& session, const Flags& flags) {
  auto name = NameOf(flags);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::GetRoleBindingRequest request;
  request.set_name(name->ToString());
  auto binding = session.Call<Service>(&Service::Stub::GetRoleBinding, request);
  if (binding.ok()) session.Print(*binding, Text(*binding));
  return binding.status();
}

absl::Status Delete(Session& session, const Flags& flags) {
  auto name = NameOf(flags);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::DeleteRoleBindingRequest request;
  request.set_name(name->ToString());
  request.set_etag(flags.etag);
  auto done = session.Call<Service>(&Service::Stub::DeleteRoleBinding, request);
  if (done.ok()) session.Print(*done, absl::StrCat("deleted ", name->ToString(), "\n"));
  return done.status();
}

absl::Status List(Session& session, const Flags& flags) {
  v1::ListRoleBindingsRequest request;
  if (!flags.key.empty()) {
    if (!flags.tenant.empty()) return UsageError("give TENANT or --key, not both");
    auto key = ExpandKey(flags.key);
    if (!key.ok()) return key.status();
    session.SetSubject(key->ToString());
    request.set_parent(key->ToString());
  } else if (!flags.tenant.empty()) {
    auto tenant = ExpandTenant(flags.tenant);
    if (!tenant.ok()) return tenant.status();
    session.SetSubject(tenant->ToString());
    request.set_parent(tenant->ToString());
  }
  auto all =
      ListAll<Service>(session, &Service::Stub::ListRoleBindings, std::move(request),
                       [](v1::ListRoleBindingsResponse& page, v1::ListRoleBindingsResponse& sum) {
                         sum.mutable_role_bindings()->MergeFrom(page.role_bindings());
                       });
  if (!all.ok()) return all.status();
  Table table({"NAME", "PRINCIPAL", "ROLE", "CREATED"});
  for (const auto& binding : all->role_bindings()) {
    table.Add({binding.name(), binding.principal(), RoleText(binding.role()),
               FormatTime(binding.has_create_time(), binding.create_time())});
  }
  session.Print(*all, table.ToString());
  return absl::OkStatus();
}

void AddKey(CLI::App& command, Flags& flags) {
  command.add_option("--key", flags.key, "The key that it is about: demo/main");
}

void AddCreate(CLI::App& group, Chosen& chosen, const std::shared_ptr<Flags>& flags) {
  CLI::App* create = AddCommand(
      group, chosen, "create", "Give a principal a role",
      "Needs the role admin on the service, or tenant-admin on the tenant. A binding holds for\n"
      "the whole service, for a tenant (demo/ID) or for one key (--key demo/main).\n\n"
      "Examples:\n"
      "  sealward bindings create demo/login-signs --role token-issuer \\\n"
      "      --principal spiffe://example.com/login\n"
      "  sealward bindings create login-signs --key demo/main --role token-issuer \\\n"
      "      --principal spiffe://example.com/login",
      [flags](Session& session) { return Create(session, *flags); });
  create
      ->add_option("BINDING", flags->binding,
                   "The new binding: ops, demo/ops on a tenant, demo/main/ops on a key")
      ->required();
  AddKey(*create, *flags);
  create
      ->add_option("--principal", flags->principal,
                   "SPIFFE ID, or subject: and the RFC 4514 name of the certificate")
      ->required();
  create
      ->add_option("--role", flags->role,
                   "admin (service), tenant-admin (tenant), operator, token-issuer (tenant or "
                   "key), viewer, validator (service or tenant) or auditor")
      ->required();
  create->add_flag("--validate-only", flags->validate_only, "Check everything, change nothing");
}

}  // namespace

void AddBindingCommands(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  const std::string binding = "ops, demo/ops, demo/main/ops, or the full name";
  CLI::App* group = AddGroup(app, "bindings", "Role bindings: who may do what");
  AddCreate(*group, chosen, flags);
  CLI::App* get = AddCommand(*group, chosen, "get", "Show a binding",
                             "Needs the role admin, tenant-admin or auditor.\n\n"
                             "Example:\n  sealward bindings get demo/login-signs",
                             [flags](Session& session) { return Get(session, *flags); });
  get->add_option("BINDING", flags->binding, binding)->required();
  AddKey(*get, *flags);
  CLI::App* list = AddCommand(
      *group, chosen, "list", "List the bindings of one level",
      "Needs the role admin, tenant-admin or auditor. Without TENANT and --key: those of the\n"
      "service itself.\n\nExamples:\n  sealward bindings list demo\n"
      "  sealward bindings list --key demo/main",
      [flags](Session& session) { return List(session, *flags); });
  list->add_option("TENANT", flags->tenant, "demo, or tenants/demo");
  AddKey(*list, *flags);
  CLI::App* remove =
      AddCommand(*group, chosen, "delete", "Take a role back",
                 "Needs the role admin on the service, or tenant-admin on the tenant. The last\n"
                 "admin stays.\n\nExample:\n  sealward bindings delete demo/login-signs",
                 [flags](Session& session) { return Delete(session, *flags); });
  remove->add_option("BINDING", flags->binding, binding)->required();
  AddKey(*remove, *flags);
  remove->add_option("--etag", flags->etag, "Only if the binding still has this etag");
}

}  // namespace sealward::client::cli
