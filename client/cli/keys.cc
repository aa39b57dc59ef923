// sealward keys create|get|list|update
#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/algorithm_options.h"
#include "client/cli/commands.h"
#include "client/cli/duration.h"
#include "client/cli/exit_code.h"
#include "client/cli/key_text.h"
#include "client/cli/names.h"
#include "client/cli/policy_options.h"
#include "client/cli/purpose_options.h"
#include "client/cli/quota_options.h"
#include "client/cli/table.h"
#include "common/errors.h"
#include "sealward/v1/key_service.grpc.pb.h"

namespace sealward::client::cli {
namespace {

using Service = v1::KeyService;

// The server's, for a key that is created with other times of its policy.
constexpr absl::Duration kDefaultRotationPeriod = absl::Hours(30 * 24);
// How often `update` reads a key again that changed between its read and its write, as it
// does when the service stages a successor; only where nobody asked for a given etag.
constexpr int kMaxUpdateAttempts = 5;

struct Flags {
  std::string key;
  std::string tenant;
  std::string algorithm;
  PurposeFlags purpose;
  QuotaFlags quota;
  PolicyFlags policy;
  std::string etag;
  bool validate_only = false;
};

absl::StatusOr<v1::CreateKeyRequest> CreateRequest(const KeyName& name, const Flags& flags) {
  v1::CreateKeyRequest request;
  request.set_parent(name.Parent());
  request.set_key_id(name.key);
  request.set_validate_only(flags.validate_only);
  auto algorithm = ParseAlgorithm(flags.algorithm);
  if (!algorithm.ok()) return algorithm.status();
  v1::Key& key = *request.mutable_key();
  if (absl::Status s = flags.purpose.Fill(name, key); !s.ok()) return s;
  key.set_algorithm(*algorithm);
  flags.quota.Fill(key);
  if (flags.policy.given()) {
    v1::RotationPolicy& policy = *key.mutable_rotation_policy();
    *policy.mutable_rotation_period() = ToProto(kDefaultRotationPeriod);
    if (absl::Status s = flags.policy.Fill(policy); !s.ok()) return s;
  }
  return request;
}

absl::Status Create(Session& session, const Flags& flags) {
  auto name = ExpandKey(flags.key);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  auto request = CreateRequest(*name, flags);
  if (!request.ok()) return request.status();
  auto key = session.Call<Service>(&Service::Stub::CreateKey, *request);
  if (key.ok()) session.Print(*key, KeyText(*key));
  return key.status();
}

absl::Status Get(Session& session, const Flags& flags) {
  auto name = ExpandKey(flags.key);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::GetKeyRequest request;
  request.set_name(name->ToString());
  auto key = session.Call<Service>(&Service::Stub::GetKey, request);
  if (key.ok()) session.Print(*key, KeyText(*key));
  return key.status();
}

// The policy as it is, with what is given: one flag must not reset the others. The
// etag makes sure that nobody changed it in between.
absl::Status FillPolicy(Session& session, const Flags& flags, v1::Key& key) {
  v1::GetKeyRequest request;
  request.set_name(key.name());
  auto seen = session.Call<Service>(&Service::Stub::GetKey, request);
  if (!seen.ok()) return seen.status();
  if (key.etag().empty()) key.set_etag(seen->etag());
  *key.mutable_rotation_policy() = seen->rotation_policy();
  return flags.policy.Fill(*key.mutable_rotation_policy());
}

absl::StatusOr<v1::UpdateKeyRequest> UpdateRequest(Session& session, const KeyName& name,
                                                   const Flags& flags) {
  v1::UpdateKeyRequest request;
  v1::Key& key = *request.mutable_key();
  key.set_name(name.ToString());
  key.set_etag(flags.etag);
  request.set_validate_only(flags.validate_only);
  if (flags.quota.given()) {
    request.mutable_update_mask()->add_paths("quota");
    flags.quota.Fill(key);
  }
  if (!flags.algorithm.empty()) {
    auto algorithm = ParseAlgorithm(flags.algorithm);
    if (!algorithm.ok()) return algorithm.status();
    request.mutable_update_mask()->add_paths("algorithm");
    key.set_algorithm(*algorithm);
  }
  if (flags.policy.given()) {
    request.mutable_update_mask()->add_paths("rotation_policy");
    if (absl::Status s = FillPolicy(session, flags, key); !s.ok()) return s;
  }
  if (request.update_mask().paths().empty()) {
    return UsageError(
        "say what to change: --rotation-period and its like, --algorithm, --quota-per-second or "
        "--no-quota");
  }
  return request;
}

absl::Status Update(Session& session, const Flags& flags) {
  auto name = ExpandKey(flags.key);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  const int attempts = flags.etag.empty() ? kMaxUpdateAttempts : 1;
  absl::Status last;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    auto request = UpdateRequest(session, *name, flags);
    if (!request.ok()) return request.status();
    auto key = session.Call<Service>(&Service::Stub::UpdateKey, *request);
    if (key.ok()) session.Print(*key, KeyText(*key));
    last = key.status();
    if (ErrorReason(last) != "ETAG_MISMATCH") break;
  }
  return last;
}

absl::Status List(Session& session, const Flags& flags) {
  auto tenant = ExpandTenant(flags.tenant);
  if (!tenant.ok()) return tenant.status();
  session.SetSubject(tenant->ToString());
  v1::ListKeysRequest request;
  request.set_parent(tenant->ToString());
  auto all = ListAll<Service>(session, &Service::Stub::ListKeys, std::move(request),
                              [](v1::ListKeysResponse& page, v1::ListKeysResponse& sum) {
                                sum.mutable_keys()->MergeFrom(page.keys());
                              });
  if (!all.ok()) return all.status();
  Table table({"NAME", "ALGORITHM", "ISSUER", "QUOTA", "SIGNS WITH", "NEXT", "SWITCH"});
  for (const auto& key : all->keys()) {
    table.Add({key.name(), AlgorithmText(key.algorithm()), key.scope().issuer(),
               QuotaText(key.has_quota(), key.quota()), VersionNumber(key.signing_version()),
               VersionNumber(key.next_version()),
               FormatTime(key.has_next_switch_time(), key.next_switch_time())});
  }
  session.Print(*all, table.ToString());
  return absl::OkStatus();
}

void AddCreate(CLI::App& group, Chosen& chosen, const std::shared_ptr<Flags>& flags) {
  CLI::App* create =
      AddCommand(group, chosen, "create", "Create a key and generate its first version in the HSM",
                 "Needs the role operator on the tenant, and an issuer of the same tenant. What a\n"
                 "key may sign is fixed here: iss is the issuer's URL, aud one of --audience. A\n"
                 "key of purpose raw signs any bytes (SignRaw), no JWTs, and stands in no JWKS.\n\n"
                 "Example:\n  sealward keys create demo/main --issuer login --algorithm ES256 \\\n"
                 "      --audience https://api.example.com --max-jwt-lifetime 15m\n"
                 "  sealward keys create demo/images --purpose raw --algorithm ES384 \\\n"
                 "      --retire-after 365d",
                 [flags](Session& session) { return Create(session, *flags); });
  create->add_option("KEY", flags->key, "The new key, for example demo/main")->required();
  create
      ->add_option("--algorithm", flags->algorithm,
                   absl::StrCat("One of ", absl::StrJoin(AlgorithmNames(), ", ")))
      ->required();
  AddPurposeOptions(*create, flags->purpose);
  AddPolicyOptions(*create, flags->policy);
  AddQuotaOptions(*create, flags->quota);
  create->add_flag("--validate-only", flags->validate_only, "Check everything, generate nothing");
}

void AddUpdate(CLI::App& group, Chosen& chosen, const std::shared_ptr<Flags>& flags) {
  CLI::App* update = AddCommand(
      group, chosen, "update", "Change a key's rotation, algorithm or quota",
      "Needs the role operator on the tenant; for the quota tenant-admin. Purpose and\n"
      "scope are fixed. Another algorithm holds for versions generated from now on:\n"
      "wait for two periods, or rotate, and once more after that switch, and it signs.\n\n"
      "Example:\n  sealward keys update demo/main --rotation-period 14d\n"
      "  sealward keys update demo/main --algorithm ES256\n"
      "  sealward keys update demo/main --quota-per-second 50 --quota-burst 200\n"
      "  sealward keys update demo/main --no-quota",
      [flags](Session& session) { return Update(session, *flags); });
  update->add_option("KEY", flags->key, "demo/main, or tenants/demo/keys/main")->required();
  AddPolicyOptions(*update, flags->policy);
  update->add_option("--algorithm", flags->algorithm,
                     absl::StrCat("Of new versions: ", absl::StrJoin(AlgorithmNames(), ", ")));
  AddQuotaOptions(*update, flags->quota);
  update->add_option("--etag", flags->etag, "Only if the key still has this etag (see keys get)");
  update->add_flag("--validate-only", flags->validate_only, "Check everything, change nothing");
}

}  // namespace

void AddKeyCommands(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* group = AddGroup(app, "keys", "Keys and their versions");
  AddCreate(*group, chosen, flags);
  CLI::App* get = AddCommand(*group, chosen, "get", "Show a key: what signs now, what comes next",
                             "Needs the role viewer on the tenant.\n\n"
                             "Example:\n  sealward keys get demo/main",
                             [flags](Session& session) { return Get(session, *flags); });
  get->add_option("KEY", flags->key, "demo/main, or tenants/demo/keys/main")->required();
  CLI::App* list = AddCommand(*group, chosen, "list", "List a tenant's keys",
                              "Needs the role viewer on the tenant.\n\n"
                              "Example:\n  sealward keys list demo",
                              [flags](Session& session) { return List(session, *flags); });
  list->add_option("TENANT", flags->tenant, "demo, or tenants/demo")->required();
  AddUpdate(*group, chosen, flags);
  AddKeyLifecycleCommands(*group, chosen);
  AddKeyPlanCommands(*group, chosen);
}

}  // namespace sealward::client::cli
