// sealward status
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/alarms.h"
#include "client/cli/commands.h"
#include "client/cli/duration.h"
#include "client/cli/key_text.h"
#include "client/cli/table.h"
#include "sealward/v1/status_service.grpc.pb.h"

namespace sealward::client::cli {
namespace {

using Service = v1::StatusService;

std::string WitnessText(v1::PartitionStatus::Witness witness) {
  switch (witness) {
    case v1::PartitionStatus::WITNESS_CONFIRMED:
      return "the store is not older than the partition";
    case v1::PartitionStatus::WITNESS_NONE:
      return "none: this HSM keeps no marks, so an old store put back is not noticed";
    case v1::PartitionStatus::WITNESS_STORE_OLDER:
      return "THE STORE IS OLDER than the partition: nothing signs";
    default:
      return "not asked yet: nothing signs";
  }
}

std::string PartitionText(const v1::PartitionStatus& partition) {
  std::vector<std::string> algorithms;
  for (const int algorithm : partition.algorithms()) {
    algorithms.push_back(AlgorithmText(static_cast<v1::Algorithm>(algorithm)));
  }
  Fields fields;
  fields.Add("Partition", partition.name());
  fields.Add("Label", partition.label());
  fields.Add("Token", partition.token_model());
  fields.Add("Profile", partition.profile());
  fields.Add("Algorithms", absl::StrJoin(algorithms, ", "));
  fields.Add("PIN", partition.pin_latched()
                        ? "REFUSED: put it right, then run sealward-hsm clear-pin-latch"
                        : "accepted");
  fields.Add("Witness", WitnessText(partition.witness()));
  fields.Add("Exposed",
             partition.exposure().empty()
                 ? "nothing: the server cannot read PIN, keys or memory"
                 : absl::StrCat("TO THE SERVER (development only): ", partition.exposure()));
  fields.Add("Alarm", partition.alarm().empty() ? "none" : partition.alarm());
  Table processes({"HSM PROCESS", "READY", "RESTARTS", "SIGNATURES"});
  for (const v1::HsmProcessStatus& process : partition.processes()) {
    processes.Add({process.pid() == 0 ? "-" : absl::StrCat(process.pid()),
                   process.ready() ? "yes" : "no", absl::StrCat(process.restarts()),
                   absl::StrCat(process.signatures())});
  }
  return absl::StrCat(fields.ToString(), "\n", processes.ToString());
}

// "2 critical, 1 warning"; empty where the server does not say.
std::string AlarmsText(Session& session) {
  const auto alarms = ListAlarms(session, "");
  if (!alarms.ok()) return "";
  if (alarms->alarms().empty()) return "none";
  const auto critical =
      std::ranges::count(alarms->alarms(), v1::Alarm::SEVERITY_CRITICAL, &v1::Alarm::severity);
  return absl::StrCat(critical, " critical, ", alarms->alarms_size() - critical,
                      " warning: see `sealward alarms`");
}

std::string Text(const v1::GetServiceStatusResponse& status, const std::string& alarms) {
  Fields fields;
  fields.Add("Server version", status.server_version());
  fields.Add("Started", FormatTime(status.has_start_time(), status.start_time()));
  fields.Add("Store revision", absl::StrCat(status.store_revision()));
  if (!alarms.empty()) fields.Add("Alarms", alarms);
  std::string text = fields.ToString();
  for (const v1::PartitionStatus& partition : status.partitions()) {
    absl::StrAppend(&text, "\n", PartitionText(partition));
  }
  return text;
}

}  // namespace

void AddStatusCommand(CLI::App& app, Chosen& chosen) {
  AddCommand(app, chosen, "status", "Show how the server and its HSM partitions are",
             "Needs the role admin, operator or viewer on the service.\n\n"
             "Example:\n  sealward status",
             [](Session& session) {
               auto status = session.Call<Service>(&Service::Stub::GetServiceStatus,
                                                   v1::GetServiceStatusRequest());
               if (status.ok()) session.Print(*status, Text(*status, AlarmsText(session)));
               return status.status();
             });
}

}  // namespace sealward::client::cli
