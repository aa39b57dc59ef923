#include "server/app/first_use.h"

#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/errors.h"
#include "server/app/hsm_partitions.h"
#include "server/hsm_client/partitions.h"
#include "server/hsm_client/process_partition.h"

namespace sealward::app {
namespace {

absl::Status Refused(absl::string_view reason, absl::string_view partition,
                     absl::string_view what) {
  return MakeError(absl::StatusCode::kFailedPrecondition, reason,
                   absl::StrCat("no store was made: the partition \"", partition, "\" ", what));
}

// Whether nobody has made the partition yet.
bool IsMissing(const Config::Hsm& config) {
  std::error_code error;
  return config.sockets.empty() && !std::filesystem::exists(config.partition, error);
}

absl::Status CheckEmpty(absl::string_view name, const Config::Hsm& config, const Clock& clock) {
  if (IsMissing(config)) return absl::OkStatus();
  hsm_client::ProcessPartition::Options options = PartitionOptions(
      config, &clock, [](pid_t, uid_t) { return absl::OkStatus(); });  // `serve` looks at that
  options.processes = 1;
  const auto partition = hsm_client::ProcessPartition::Start(std::move(options));
  hsm::v1::Operation operation;
  operation.mutable_list()->set_limit(1);
  absl::StatusOr<hsm::v1::Result> answer = hsm::v1::Result();
  const absl::Status ready = partition->WaitForFirstProcess();
  if (ready.ok()) {
    answer = partition->Call(std::move(operation), clock.Now() + kFirstLookTimeout);
  } else {
    answer = ready;
  }
  partition->Stop(std::chrono::steady_clock::now());
  if (!answer.ok() || !answer->has_object_list()) {
    return Refused("PARTITION_UNKNOWN_CONTENT", name,
                   absl::StrCat("cannot be asked whether it holds keys (",
                                answer.status().message(), "); make it usable first"));
  }
  const hsm::v1::ObjectList& list = answer->object_list();
  if (list.objects_size() == 0 && list.unattributable() == 0) return absl::OkStatus();
  return Refused("PARTITION_NOT_EMPTY", name,
                 "holds keys already, and a new store would not know whose they are; restore the "
                 "backup of their store, or make a new partition with `sealward-hsm init`");
}

}  // namespace

absl::Status CheckFirstUse(const Config& config, const Clock& clock) {
  absl::Status status = CheckEmpty(hsm_client::kSharedPartition, config.hsm, clock);
  for (const auto& [name, own] : config.partitions) {
    if (status.ok()) status = CheckEmpty(name, own, clock);
  }
  return status;
}

}  // namespace sealward::app
