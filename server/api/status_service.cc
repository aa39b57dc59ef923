#include "server/api/status_service.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/resource_name.h"
#include "server/api/answer.h"
#include "server/api/conversion.h"

namespace sealward::api {
namespace {

v1::PartitionStatus::Witness ToMessage(lifecycle::Witness witness) {
  switch (witness) {
    case lifecycle::Witness::kUnasked:
      return v1::PartitionStatus::WITNESS_UNSPECIFIED;
    case lifecycle::Witness::kConfirmed:
      return v1::PartitionStatus::WITNESS_CONFIRMED;
    case lifecycle::Witness::kNone:
      return v1::PartitionStatus::WITNESS_NONE;
    case lifecycle::Witness::kStoreOlder:
      return v1::PartitionStatus::WITNESS_STORE_OLDER;
  }
  return v1::PartitionStatus::WITNESS_UNSPECIFIED;
}

// What is wrong with the store as the partition sees it; empty if nothing is.
std::string RollbackAlarm(const catalog::Snapshot& snapshot, absl::string_view partition) {
  const auto found =
      snapshot.partitions.find(PartitionResourceName{std::string(partition)}.ToString());
  if (found == snapshot.partitions.end()) return "";
  const catalog::PartitionMemory& memory = *found->second;
  if (memory.rolled_back == absl::InfiniteFuture()) return "";
  return absl::StrCat("the store is older than the partition, found ",
                      absl::FormatTime(absl::RFC3339_sec, memory.rolled_back, absl::UTCTimeZone()),
                      ": ", memory.rollback,
                      "; nothing of it signs until the newer store is back or two admins have run "
                      "`sealward partitions recover ",
                      partition, "`");
}

v1::PartitionStatus ToMessage(const hsm_client::Partitions::Named& partition,
                              const lifecycle::Withheld& withheld, const lifecycle::Epochs& epochs,
                              const catalog::Snapshot& snapshot) {
  const hsm_client::PartitionStatus status = partition.partition->Status();
  v1::PartitionStatus out;
  out.set_name(partition.name);
  out.set_label(status.description.label());
  out.set_token_model(status.description.token_model());
  out.set_profile(status.description.profile());
  *out.mutable_algorithms() = status.description.algorithms();
  out.set_witness(ToMessage(epochs.WitnessOf(partition.name)));
  out.set_pin_latched(status.pin_latched);
  for (const hsm_client::ProcessStatus& process : status.processes) {
    auto* each = out.add_processes();
    each->set_pid(process.pid);
    each->set_ready(process.ready);
    each->set_restarts(process.restarts);
    each->set_signatures(process.signatures);
  }
  std::vector<std::string> alarms;
  for (const std::string& alarm :
       {status.alarm, withheld.Alarm(partition.name), RollbackAlarm(snapshot, partition.name)}) {
    if (!alarm.empty()) alarms.push_back(alarm);
  }
  out.set_alarm(absl::StrJoin(alarms, "; "));
  return out;
}

// Partitions that tenants are bound to and that nobody serves, in name order.
std::set<std::string> Unconfigured(const catalog::Snapshot& snapshot,
                                   const hsm_client::Partitions& partitions) {
  std::set<std::string> names;
  for (const auto& [name, tenant] : snapshot.tenants) {
    if (!partitions.Contains(tenant->partition)) names.insert(tenant->partition);
  }
  return names;
}

}  // namespace

grpc::ServerUnaryReactor* StatusService::GetServiceStatus(
    grpc::CallbackServerContext* context, const v1::GetServiceStatusRequest* /*request*/,
    v1::GetServiceStatusResponse* response) {
  return AnswerNow(edge_, context, response, [this](const Caller& caller) { return Get(caller); });
}

absl::StatusOr<v1::GetServiceStatusResponse> StatusService::Get(const Caller& caller) const {
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s =
          caller.Authorize(*snapshot, auth::Target{}, auth::Verb::kReadStatus, "status");
      !s.ok()) {
    return s;
  }
  v1::GetServiceStatusResponse response;
  response.set_server_version(sources_.server_version);
  *response.mutable_start_time() = ToTimestamp(sources_.start_time);
  for (const hsm_client::Partitions::Named& partition : sources_.partitions->all()) {
    v1::PartitionStatus status =
        ToMessage(partition, *sources_.withheld, *sources_.epochs, *snapshot);
    std::vector<pid_t> pids;
    for (const v1::HsmProcessStatus& process : status.processes()) {
      if (process.pid() != 0) pids.push_back(process.pid());
    }
    status.set_exposure(sources_.exposure(partition.name, pids));
    if (partition.name == hsm_client::kSharedPartition) *response.mutable_partition() = status;
    *response.add_partitions() = std::move(status);
  }
  for (const std::string& name : Unconfigured(*snapshot, *sources_.partitions)) {
    v1::PartitionStatus& status = *response.add_partitions();
    status.set_name(name);
    status.set_alarm(
        absl::StrCat("tenants are bound to it, but the configuration has no "
                     "[partitions.",
                     name, "]: their keys sign nothing"));
  }
  response.set_store_revision(snapshot->revision);
  return response;
}

}  // namespace sealward::api
