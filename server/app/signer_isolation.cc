#include "server/app/signer_isolation.h"

#include <unistd.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/errors.h"
#include "server/hsm_client/isolation.h"
#include "server/hsm_client/partitions.h"
#include "server/telemetry/logging.h"

namespace sealward::app {
namespace {

absl::Status Exposed(absl::string_view partition, const std::vector<std::string>& what) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "PARTITION_EXPOSED",
                   absl::StrCat("partition ", partition, " is not apart from this server (uid ",
                                geteuid(), "): ", absl::StrJoin(what, ", "),
                                "; let sealward-hsm listen under a user of its own "
                                "(deploy/systemd), and run sealward-server as neither that user "
                                "nor root. Only environment = \"development\" does without"));
}

}  // namespace

SignerIsolation::SignerIsolation(const Config& config)
    : development_(config.environment == Config::Environment::kDevelopment) {
  directories_[std::string(hsm_client::kSharedPartition)] = config.hsm.partition;
  for (const auto& [name, hsm] : config.partitions) directories_[name] = hsm.partition;
}

absl::Status SignerIsolation::CheckDirectories() const {
  for (const auto& [name, directory] : directories_) {
    if (directory.empty()) continue;
    const std::vector<std::string> readable = hsm_client::ReadableFiles(directory);
    if (readable.empty()) continue;
    if (!development_) return Exposed(name, readable);
    telemetry::Log(telemetry::Level::kWarning, "signer_not_apart",
                   {{"partition", name},
                    {"uid", geteuid()},
                    {"readable", absl::StrJoin(readable, " ")},
                    {"meaning",
                     "this server could read the PIN and the keys' files: for "
                     "development only"}});
  }
  return absl::OkStatus();
}

absl::Status SignerIsolation::CheckPeer(const std::string& partition, pid_t pid, uid_t uid) {
  if (development_) return absl::OkStatus();
  std::vector<std::string> what = hsm_client::ReadableProcessFiles(pid);
  if (uid == geteuid()) what.push_back(absl::StrCat("process ", pid, " runs as the same user"));
  if (what.empty()) return absl::OkStatus();
  absl::Status exposed = Exposed(partition, what);
  absl::MutexLock lock(&mu_);
  if (refused_.ok()) refused_ = exposed;
  return exposed;
}

absl::Status SignerIsolation::Refused() const {
  absl::MutexLock lock(&mu_);
  return refused_;
}

std::string SignerIsolation::ExposureOf(const std::string& partition,
                                        std::span<const pid_t> pids) const {
  std::vector<std::string> readable;
  const auto directory = directories_.find(partition);
  if (directory != directories_.end() && !directory->second.empty()) {
    readable = hsm_client::ReadableFiles(directory->second);
  }
  for (const pid_t pid : pids) {
    for (std::string& path : hsm_client::ReadableProcessFiles(pid)) {
      readable.push_back(std::move(path));
    }
  }
  return absl::StrJoin(readable, ", ");
}

}  // namespace sealward::app
