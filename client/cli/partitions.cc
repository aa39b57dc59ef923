// sealward partitions recover
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "sealward/v1/operations_service.grpc.pb.h"

namespace sealward::client::cli {
namespace {

using Service = v1::OperationsService;

constexpr absl::string_view kCollection = "partitions/";

struct Flags {
  std::string partition;
  bool dry_run = false;
};

std::string Text(const v1::RecoverPartitionResponse& response, const Flags& flags) {
  std::string text = flags.dry_run ? "would be recovered: " : "recovered: ";
  absl::StrAppend(&text, flags.partition, "\n");
  for (const std::string& version : response.ended_versions()) {
    absl::StrAppend(&text, version, " is revoked or destroyed, because the partition says so\n");
  }
  return text;
}

absl::Status Recover(Session& session, const Flags& flags) {
  v1::RecoverPartitionRequest request;
  request.set_name(absl::StartsWith(flags.partition, kCollection)
                       ? flags.partition
                       : absl::StrCat(kCollection, flags.partition));
  request.set_validate_only(flags.dry_run);
  session.SetSubject(request.name());
  auto done = session.Call<Service>(&Service::Stub::RecoverPartition, request);
  if (done.ok()) session.Print(*done, Text(*done, flags));
  return done.status();
}

}  // namespace

void AddPartitionCommands(CLI::App& app, Chosen& chosen) {
  CLI::App* group =
      AddGroup(app, "partitions", "Recover an HSM partition that a store is older than");
  auto flags = std::make_shared<Flags>();
  CLI::App* recover = AddCommand(
      *group, chosen, "recover", "Accept a store that is older than its partition",
      "After a backup of the store was put back, the HSM partition knows of revocations and\n"
      "destructions that the store does not, and nothing of it signs. Putting the newer store\n"
      "back is better. Where it is lost, this takes over what the partition remembers (nothing\n"
      "that was revoked or destroyed comes back) and lets the rest sign again. Rotations and\n"
      "new keys since the backup are lost: their objects are in quarantine.\n"
      "Needs the role admin on the service, and a second admin where the approval policy asks.\n\n"
      "Example:\n  sealward partitions recover default --dry-run",
      [flags](Session& session) { return Recover(session, *flags); });
  recover->add_option("PARTITION", flags->partition, "Its name in the server's configuration")
      ->required();
  recover->add_flag("--dry-run", flags->dry_run, "Say what would be taken over; change nothing");
}

}  // namespace sealward::client::cli
