// sealward versions get|suspend|enable|destroy|cancel-destroy
#include <memory>

#include "client/cli/commands.h"
#include "client/cli/key_text.h"
#include "client/cli/names.h"
#include "sealward/v1/key_service.grpc.pb.h"
#include "sealward/v1/lifecycle_service.grpc.pb.h"

namespace sealward::client::cli {
namespace {

using Service = v1::LifecycleService;

struct Flags {
  std::string version;
  std::string etag;
  bool validate_only = false;
};

// One command about one version. `set` puts what only some requests have.
template <typename AnyService, typename Request, typename Set>
absl::Status Ask(Session& session, const Flags& flags,
                 grpc::Status (AnyService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                          v1::KeyVersion*),
                 Set set) {
  auto name = ExpandVersion(flags.version);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  Request request;
  request.set_name(name->ToString());
  set(request);
  auto version = session.Call<AnyService>(method, request);
  if (version.ok()) session.Print(*version, VersionText(*version));
  return version.status();
}

void AddName(CLI::App* command, const std::shared_ptr<Flags>& flags, bool changes) {
  command
      ->add_option("VERSION", flags->version, "demo/main/3, or tenants/demo/keys/main/versions/3")
      ->required();
  if (!changes) return;
  command->add_option("--etag", flags->etag, "Only if the key still has this etag (see keys get)");
}

void AddValidateOnly(CLI::App* command, const std::shared_ptr<Flags>& flags) {
  command->add_flag("--validate-only", flags->validate_only, "Check everything, change nothing");
}

void AddSuspension(CLI::App& group, Chosen& chosen, const std::shared_ptr<Flags>& flags) {
  CLI::App* suspend = AddCommand(
      group, chosen, "suspend", "Stop a version's signing for now; it stays in the JWKS",
      "Needs the role operator on the tenant. Its timers run on, and it is not activated.\n"
      "Nothing else takes its place: `sealward keys rotate` or `sealward revoke` does that.\n\n"
      "Example:\n  sealward versions suspend demo/main/3",
      [flags](Session& session) {
        return Ask<Service>(session, *flags, &Service::Stub::SuspendKeyVersion,
                            [&](v1::SuspendKeyVersionRequest& request) {
                              request.set_etag(flags->etag);
                              request.set_validate_only(flags->validate_only);
                            });
      });
  AddName(suspend, flags, true);
  AddValidateOnly(suspend, flags);
  CLI::App* enable = AddCommand(
      group, chosen, "enable", "End a suspension",
      "Needs the role operator on the tenant.\n\nExample:\n  sealward versions enable demo/main/3",
      [flags](Session& session) {
        return Ask<Service>(
            session, *flags, &Service::Stub::EnableKeyVersion,
            [&](v1::EnableKeyVersionRequest& request) { request.set_etag(flags->etag); });
      });
  AddName(enable, flags, true);
}

void AddDestruction(CLI::App& group, Chosen& chosen, const std::shared_ptr<Flags>& flags) {
  CLI::App* destroy = AddCommand(
      group, chosen, "destroy", "Schedule the destruction of a key pair in the HSM",
      "Needs the role tenant-admin on the tenant or admin, and a second person where the approval\n"
      "policy asks for one. The version has to be WITHDRAWN or REVOKED. Until the recovery window\n"
      "is over it can be taken back.\n\nExample:\n  sealward versions destroy demo/main/3",
      [flags](Session& session) {
        return Ask<Service>(session, *flags, &Service::Stub::DestroyKeyVersion,
                            [&](v1::DestroyKeyVersionRequest& request) {
                              request.set_etag(flags->etag);
                              request.set_validate_only(flags->validate_only);
                            });
      });
  AddName(destroy, flags, true);
  AddValidateOnly(destroy, flags);
  CLI::App* cancel = AddCommand(
      group, chosen, "cancel-destroy", "Take a scheduled destruction back",
      "Needs the role operator on the tenant.\n\n"
      "Example:\n  sealward versions cancel-destroy demo/main/3",
      [flags](Session& session) {
        return Ask<Service>(
            session, *flags, &Service::Stub::CancelDestroyKeyVersion,
            [&](v1::CancelDestroyKeyVersionRequest& request) { request.set_etag(flags->etag); });
      });
  AddName(cancel, flags, true);
}

}  // namespace

void AddVersionCommands(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* group = AddGroup(app, "versions", "Single versions of keys");
  CLI::App* get =
      AddCommand(*group, chosen, "get", "Show a version with all its times",
                 "Needs the role viewer on the tenant. `sealward keys versions` lists them.\n\n"
                 "Example:\n  sealward versions get demo/main/3",
                 [flags](Session& session) {
                   return Ask<v1::KeyService>(session, *flags, &v1::KeyService::Stub::GetKeyVersion,
                                              [](v1::GetKeyVersionRequest&) {});
                 });
  AddName(get, flags, false);
  AddSuspension(*group, chosen, flags);
  AddDestruction(*group, chosen, flags);
}

}  // namespace sealward::client::cli
