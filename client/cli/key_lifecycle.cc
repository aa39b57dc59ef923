// sealward keys rotate|versions
#include <memory>

#include "absl/time/clock.h"
#include "client/cli/commands.h"
#include "client/cli/key_text.h"
#include "client/cli/names.h"
#include "sealward/v1/key_service.grpc.pb.h"

namespace sealward::client::cli {
namespace {

using Service = v1::KeyService;

struct Flags {
  std::string key;
  std::string etag;
  bool validate_only = false;
};

absl::Status Rotate(Session& session, const Flags& flags) {
  auto name = ExpandKey(flags.key);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::RotateKeyRequest request;
  request.set_name(name->ToString());
  request.set_etag(flags.etag);
  request.set_validate_only(flags.validate_only);
  auto rotation = session.Call<Service>(&Service::Stub::RotateKey, request);
  if (rotation.ok()) {
    session.Print(*rotation, RotationText(*rotation, flags.validate_only, absl::Now()));
  }
  return rotation.status();
}

absl::Status Versions(Session& session, const Flags& flags) {
  auto name = ExpandKey(flags.key);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::ListKeyVersionsRequest request;
  request.set_parent(name->ToString());
  auto all =
      ListAll<Service>(session, &Service::Stub::ListKeyVersions, std::move(request),
                       [](v1::ListKeyVersionsResponse& page, v1::ListKeyVersionsResponse& sum) {
                         sum.mutable_key_versions()->MergeFrom(page.key_versions());
                       });
  if (!all.ok()) return all.status();
  session.Print(*all, VersionsText(*all));
  return absl::OkStatus();
}

}  // namespace

void AddKeyLifecycleCommands(CLI::App& keys, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* rotate = AddCommand(
      keys, chosen, "rotate", "Replace the version that signs, without a rejected JWT",
      "Needs the role operator on the tenant. Signing moves over at once if a successor\n"
      "is in every cache (STANDBY), else when it is; asking twice plans one switch.\n\n"
      "Example:\n  sealward keys rotate demo/main --validate-only\n"
      "  sealward keys rotate demo/main",
      [flags](Session& session) { return Rotate(session, *flags); });
  rotate->add_option("KEY", flags->key, "demo/main, or tenants/demo/keys/main")->required();
  rotate->add_flag("--validate-only", flags->validate_only, "Say what would happen; do nothing");
  rotate->add_option("--etag", flags->etag, "Only if the key still has this etag (see keys get)");
  CLI::App* versions = AddCommand(keys, chosen, "versions",
                                  "List a key's versions, newest first, with state and times",
                                  "Needs the role viewer on the tenant. Times are UTC.\n\n"
                                  "Example:\n  sealward keys versions demo/main",
                                  [flags](Session& session) { return Versions(session, *flags); });
  versions->add_option("KEY", flags->key, "demo/main, or tenants/demo/keys/main")->required();
}

}  // namespace sealward::client::cli
