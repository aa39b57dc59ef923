// sealward revoke
#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/names.h"
#include "client/cli/revocation_text.h"
#include "client/cli/suggest.h"
#include "sealward/v1/lifecycle_service.grpc.pb.h"

namespace sealward::client::cli {
namespace {

using Service = v1::LifecycleService;

struct Flags {
  std::string version;
  std::string key;
  std::string tenant;
  std::string partition;
  std::string reason;
  std::string etag;
  bool activate_unready = false;
  bool preview = false;
};

const std::vector<std::string>& Reasons() {
  // By the number of v1::RevocationReason, from 1 on.
  static const std::vector<std::string> kReasons = {"key-compromise", "service-compromise",
                                                    "cessation"};
  return kReasons;
}

absl::StatusOr<v1::RevocationReason> ParseReason(const std::string& text) {
  for (size_t i = 0; i < Reasons().size(); ++i) {
    if (absl::EqualsIgnoreCase(Reasons()[i], text)) {
      return static_cast<v1::RevocationReason>(i + 1);
    }
  }
  return UsageError(absl::StrCat("--reason: \"", text, "\" is not one of ",
                                 absl::StrJoin(Reasons(), ", "), DidYouMean(text, Reasons())));
}

template <typename Name>
absl::StatusOr<std::string> ToText(const absl::StatusOr<Name>& name) {
  if (!name.ok()) return name.status();
  return name->ToString();
}

// The one name that the command line gives.
absl::StatusOr<std::string> NameOf(const Flags& flags) {
  int given = 0;
  for (const std::string* each : {&flags.version, &flags.key, &flags.tenant, &flags.partition}) {
    given += each->empty() ? 0 : 1;
  }
  if (given != 1) return UsageError("give one of --version, --key, --tenant and --partition");
  if (!flags.version.empty()) return ToText(ExpandVersion(flags.version));
  if (!flags.key.empty()) return ToText(ExpandKey(flags.key));
  if (!flags.tenant.empty()) return ToText(ExpandTenant(flags.tenant));
  return ToText(ExpandPartition(flags.partition));
}

absl::Status Revoke(Session& session, const Flags& flags) {
  auto name = NameOf(flags);
  if (!name.ok()) return name.status();
  session.SetSubject(*name);
  auto reason = ParseReason(flags.reason);
  if (!reason.ok()) return reason.status();
  v1::RevokeRequest request;
  request.set_name(*name);
  request.set_reason(*reason);
  request.set_activate_unready(flags.activate_unready);
  request.set_etag(flags.etag);
  request.set_validate_only(flags.preview);
  auto response = session.Call<Service>(&Service::Stub::Revoke, request);
  if (response.ok()) session.Print(*response, RevocationText(*response, flags.preview));
  return response.status();
}

}  // namespace

void AddRevokeCommand(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* revoke = AddCommand(
      app, chosen, "revoke", "Take stolen keys out of use, for ever and at once",
      "Needs the role operator on the key or tenant; for a partition on the service. A standby\n"
      "signs from now on where there is one. Waits for no second person and no pause. The answer\n"
      "says until when each kind of validator may still trust the key: caches end that, not\n"
      "Sealward.\n\n"
      "Example:\n  sealward revoke --version demo/main/3 --reason key-compromise --preview\n"
      "  sealward revoke --version demo/main/3 --reason key-compromise",
      [flags](Session& session) { return Revoke(session, *flags); });
  revoke->add_option("--version", flags->version, "One version: demo/main/3");
  revoke->add_option("--key", flags->key, "Every version of a key: demo/main");
  revoke->add_option("--tenant", flags->tenant, "Every key of a tenant: demo");
  revoke->add_option("--partition", flags->partition, "Every key in an HSM partition: shared");
  revoke
      ->add_option("--reason", flags->reason,
                   absl::StrCat("One of ", absl::StrJoin(Reasons(), ", ")))
      ->required();
  revoke->add_flag("--activate-unready", flags->activate_unready,
                   "Where nothing is ready: let the next version sign now, though some caches "
                   "lack it");
  revoke->add_flag("--preview", flags->preview, "Say what it would mean; change nothing");
  revoke->add_option("--etag", flags->etag, "Only if the key still has this etag (see keys get)");
}

}  // namespace sealward::client::cli
