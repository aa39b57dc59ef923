// sealward foreign-keys create|list|delete
#include <google/protobuf/util/json_util.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/duration.h"
#include "client/cli/exit_code.h"
#include "client/cli/input_file.h"
#include "client/cli/names.h"
#include "client/cli/table.h"
#include "sealward/v1/issuer_service.grpc.pb.h"

namespace sealward::client::cli {
namespace {

using Service = v1::IssuerService;

struct Flags {
  std::string foreign_key;
  std::string issuer;
  std::string file;
  std::string kid;
  std::string until;
  std::string description;
  bool validate_only = false;
};

std::string Text(const v1::ForeignKey& key) {
  Fields fields;
  fields.Add("Name", key.name());
  fields.Add("Kid", key.jwk().kid());
  fields.Add("Algorithm", key.jwk().alg());
  fields.Add("Description", key.description());
  fields.Add("Published until", FormatTime(key.has_expire_time(), key.expire_time()));
  fields.Add("Created", FormatTime(key.has_create_time(), key.create_time()));
  fields.Add("Etag", key.etag());
  return fields.ToString();
}

absl::Status BadFile(const Flags& flags, absl::string_view what) {
  return UsageError(absl::StrCat("--jwk: ", flags.file, " ", what));
}

// The one JWK in `json`: itself, or in a set the one with --kid, or the only one.
absl::StatusOr<nlohmann::json> ChooseJwk(const Flags& flags, const nlohmann::json& json) {
  if (!json.is_object()) return BadFile(flags, "holds no JWK and no JWK set");
  if (!json.contains("keys")) return json;
  if (!json["keys"].is_array()) return BadFile(flags, "holds no JWK and no JWK set");
  std::vector<nlohmann::json> chosen;
  for (const nlohmann::json& jwk : json["keys"]) {
    if (!jwk.is_object()) continue;
    if (flags.kid.empty() || jwk.value("kid", nlohmann::json()) == flags.kid) chosen.push_back(jwk);
  }
  if (chosen.size() == 1) return chosen.front();
  return BadFile(flags,
                 absl::StrCat("holds ", chosen.size(), " keys",
                              flags.kid.empty() ? "; choose one with --kid" : " of that kid"));
}

// A private member must not even leave this machine.
absl::Status CheckPublic(const Flags& flags, const nlohmann::json& jwk) {
  for (const char* member : {"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}) {
    if (jwk.contains(member)) {
      return BadFile(flags, absl::StrCat("holds a PRIVATE key (member ", member,
                                         "): give the public one, and consider this one exposed"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::PublicJwk> ReadJwk(const Flags& flags) {
  auto text = ReadInputFile("--jwk", flags.file);
  if (!text.ok()) return text.status();
  const nlohmann::json json = nlohmann::json::parse(*text, nullptr, false);
  if (json.is_discarded()) return BadFile(flags, "holds no JSON");
  auto jwk = ChooseJwk(flags, json);
  if (!jwk.ok()) return jwk.status();
  if (absl::Status s = CheckPublic(flags, *jwk); !s.ok()) return s;
  v1::PublicJwk message;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;  // key_ops, x5c: not published
  const std::string one = jwk->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (!google::protobuf::util::JsonStringToMessage(one, &message, options).ok()) {
    return BadFile(flags, "holds a JWK whose members are not strings");
  }
  return message;
}

absl::Status Create(Session& session, const Flags& flags) {
  auto name = ExpandForeignKey(flags.foreign_key);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::CreateForeignKeyRequest request;
  request.set_parent(name->issuer.ToString());
  request.set_foreign_key_id(name->foreign_key);
  request.set_validate_only(flags.validate_only);
  auto jwk = ReadJwk(flags);
  if (!jwk.ok()) return jwk.status();
  *request.mutable_foreign_key()->mutable_jwk() = *jwk;
  request.mutable_foreign_key()->set_description(flags.description);
  absl::Time until;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, flags.until, &until, &error)) {
    return UsageError(absl::StrCat("--until: \"", flags.until,
                                   "\" is no time; write it as 2027-01-31T00:00:00Z"));
  }
  request.mutable_foreign_key()->mutable_expire_time()->set_seconds(absl::ToUnixSeconds(until));
  auto key = session.Call<Service>(&Service::Stub::CreateForeignKey, request);
  if (key.ok()) session.Print(*key, Text(*key));
  return key.status();
}

absl::Status Delete(Session& session, const Flags& flags) {
  auto name = ExpandForeignKey(flags.foreign_key);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::DeleteForeignKeyRequest request;
  request.set_name(name->ToString());
  auto done = session.Call<Service>(&Service::Stub::DeleteForeignKey, request);
  if (done.ok()) session.Print(*done, absl::StrCat("deleted ", name->ToString(), "\n"));
  return done.status();
}

absl::Status List(Session& session, const Flags& flags) {
  auto issuer = ExpandIssuer(flags.issuer);
  if (!issuer.ok()) return issuer.status();
  session.SetSubject(issuer->ToString());
  v1::ListForeignKeysRequest request;
  request.set_parent(issuer->ToString());
  auto all =
      ListAll<Service>(session, &Service::Stub::ListForeignKeys, std::move(request),
                       [](v1::ListForeignKeysResponse& page, v1::ListForeignKeysResponse& sum) {
                         sum.mutable_foreign_keys()->MergeFrom(page.foreign_keys());
                       });
  if (!all.ok()) return all.status();
  Table table({"NAME", "KID", "ALGORITHM", "PUBLISHED UNTIL", "DESCRIPTION"});
  for (const v1::ForeignKey& key : all->foreign_keys()) {
    table.Add({key.name(), key.jwk().kid(), key.jwk().alg(),
               FormatTime(key.has_expire_time(), key.expire_time()), key.description()});
  }
  session.Print(*all, table.ToString());
  return absl::OkStatus();
}

}  // namespace

void AddForeignKeyCommands(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* group =
      AddGroup(app, "foreign-keys", "Other people's public keys in an issuer's JWKS, for a while");
  const std::string which = "demo/login/old-idp, or the full name";
  CLI::App* create = AddCommand(
      *group, chosen, "create", "Publish a public key with the issuer's own, verify-only",
      "Needs the role tenant-admin on the tenant or admin, and a second person where the approval\n"
      "policy asks for one. For a migration to or from another issuer.\n\n"
      "Example:\n  sealward foreign-keys create demo/login/old-idp --jwk old.json \\\n"
      "      --until 2027-01-31T00:00:00Z --description \"keys of the old service\"",
      [flags](Session& session) { return Create(session, *flags); });
  create->add_option("FOREIGN_KEY", flags->foreign_key, which)->required();
  create->add_option("--jwk", flags->file, "File with the JWK, or with a JWK set")->required();
  create->add_option("--kid", flags->kid, "Which key of a set");
  create->add_option("--until", flags->until, "When it leaves the JWKS, at most 400 days ahead")
      ->required();
  create->add_option("--description", flags->description, "For people, at most 256 bytes");
  create->add_flag("--validate-only", flags->validate_only, "Check everything, change nothing");
  CLI::App* list = AddCommand(*group, chosen, "list", "List an issuer's foreign keys",
                              "Needs the role viewer on the tenant.\n\n"
                              "Example:\n  sealward foreign-keys list demo/login",
                              [flags](Session& session) { return List(session, *flags); });
  list->add_option("ISSUER", flags->issuer, "demo/login, or tenants/demo/issuers/login")
      ->required();
  CLI::App* remove = AddCommand(*group, chosen, "delete", "Take a foreign key out of the JWKS now",
                                "Needs the role tenant-admin on the tenant, or admin.\n\n"
                                "Example:\n  sealward foreign-keys delete demo/login/old-idp",
                                [flags](Session& session) { return Delete(session, *flags); });
  remove->add_option("FOREIGN_KEY", flags->foreign_key, which)->required();
}

}  // namespace sealward::client::cli
