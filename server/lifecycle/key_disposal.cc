// KeyManager: the way of a key pair out of the partition. The intent is in the store
// (VersionTimes::schedule_destroy) before any of this.
#include <algorithm>
#include <array>
#include <utility>

#include "common/errors.h"
#include "common/failpoint.h"
#include "server/lifecycle/key_manager.h"
#include "server/lifecycle/object_calls.h"
#include "server/telemetry/logging.h"

namespace sealward::lifecycle {
namespace {

using telemetry::Level;
using telemetry::Log;

constexpr absl::string_view kWindowTooShort = "WINDOW_TOO_SHORT";
constexpr absl::string_view kWindowOpen = "WINDOW_OPEN";
constexpr absl::string_view kNotScheduled = "NOT_SCHEDULED";
constexpr absl::string_view kDestroyed = "DESTROYED";

void LogVersion(absl::string_view event, const catalog::Key& key, size_t index) {
  Log(Level::kInfo, event, {{"key", key.name}, {"version", key.versions[index]->number}});
}

}  // namespace

absl::Status KeyManager::MarkDestroy(const catalog::Key& key, size_t index) {
  const auto partition = options_.partitions->Find(key.tenant->partition);
  if (!partition.ok()) return partition.status();
  const catalog::KeyVersion& version = *key.versions[index];
  const absl::Time now = options_.clock->Now();
  absl::Status status = ScheduleObject(**partition, ObjectOf(key, version),
                                       version.times.destroy_due, WallNow() + kMarkTimeout);
  if (ErrorReason(status) == kDestroyed) return RecordDestroyed(key, index);
  if (ErrorReason(status) == kWindowTooShort) {
    const absl::Duration least =
        absl::Seconds((*partition)->Status().description.least_destroy_window_s());
    const absl::Duration margin = key.issuer->margins.window_margin;
    LogVersion("key_destroy_put_off", key, index);
    return RecordMarks(key.name,
                       [&](std::vector<VersionTimes>& times) {
                         if (times[index].schedule_destroy == absl::InfiniteFuture()) return;
                         times[index].destroy_due =
                             PutOff(times[index].destroy_due, least, margin, now);
                       })
        .status();
  }
  if (!status.ok()) return status;
  SEALWARD_FAILPOINT("key.schedule_left");
  const std::array<size_t, 1> one = {index};
  if (absl::Status s = ForgetVersions(key, one, WallNow() + kMarkTimeout); !s.ok()) return s;
  SEALWARD_FAILPOINT("key.schedule_forgotten");
  return RecordMarks(
             key.name,
             [index](std::vector<VersionTimes>& times) { times[index].destroy_marked = true; })
      .status();
}

absl::Status KeyManager::UnmarkDestroy(const catalog::Key& key, size_t index) {
  const auto partition = options_.partitions->Find(key.tenant->partition);
  if (!partition.ok()) return partition.status();
  const absl::Time limit = WallNow() + kMarkTimeout;
  absl::Status status = UnscheduleObject(**partition, ObjectOf(key, *key.versions[index]), limit);
  if (ErrorReason(status) == kDestroyed) return RecordDestroyed(key, index);
  if (!status.ok()) return status;
  SEALWARD_FAILPOINT("key.schedule_taken_back");
  return RecordMarks(
             key.name,
             [index](std::vector<VersionTimes>& times) { times[index].destroy_marked = false; })
      .status();
}

absl::Status KeyManager::DestroyVersion(const catalog::Key& key, size_t index, absl::Time& wake) {
  const auto partition = options_.partitions->Find(key.tenant->partition);
  if (!partition.ok()) return partition.status();
  const absl::Time now = options_.clock->Now();
  absl::Status status =
      DestroyObject(**partition, ObjectOf(key, *key.versions[index]), WallNow() + kMarkTimeout);
  if (status.ok()) return RecordDestroyed(key, index);
  if (ErrorReason(status) == kWindowOpen) {  // by the HSM process's clock
    wake = now + key.issuer->margins.window_retry_delay;
    return absl::OkStatus();
  }
  if (ErrorReason(status) == kNotScheduled) {  // its mark is gone: the window begins again
    LogVersion("key_destroy_mark_missing", key, index);
    return RecordMarks(
               key.name,
               [index](std::vector<VersionTimes>& times) { times[index].destroy_marked = false; })
        .status();
  }
  if (absl::IsUnimplemented(status)) {  // the record stays; only a person can do it
    LogVersion("key_destroy_impossible", key, index);
    wake = now + kDestroyImpossibleRetryDelay;
    return absl::OkStatus();
  }
  return status;
}

// The other processes may have copies that still sign: they are to forget it first.
absl::Status KeyManager::RecordDestroyed(const catalog::Key& key, size_t index) {
  const absl::Time now = options_.clock->Now();
  SEALWARD_FAILPOINT("key.pair_destroyed");
  const std::array<size_t, 1> one = {index};
  if (absl::Status s = ForgetVersions(key, one, WallNow() + kMarkTimeout); !s.ok()) return s;
  SEALWARD_FAILPOINT("key.destroyed_forgotten");
  const auto recorded = RecordMarks(key.name, [index, now](std::vector<VersionTimes>& times) {
    VersionTimes& destroyed = times[index];
    destroyed.schedule_destroy = std::min(destroyed.schedule_destroy, now);
    destroyed.destroy_due = std::min(destroyed.destroy_due, now);
    destroyed.destroy = std::min(destroyed.destroy, now);
  });
  if (recorded.ok()) LogVersion("key_version_destroyed", key, index);
  return recorded.status();
}

}  // namespace sealward::lifecycle
