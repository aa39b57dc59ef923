// Quarantine: the way of an object out of the partition. The intent is in the store
// (catalog::QuarantinedObject) before any of this, and its record is deleted after.
#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/failpoint.h"
#include "server/catalog/layout.h"
#include "server/catalog/operations_mutations.h"
#include "server/lifecycle/hsm_call.h"
#include "server/lifecycle/object_calls.h"
#include "server/lifecycle/partition_objects.h"
#include "server/lifecycle/quarantine.h"
#include "server/lifecycle/resource_errors.h"
#include "server/telemetry/logging.h"

namespace sealward::lifecycle {
namespace {

using telemetry::Level;
using telemetry::Log;

hsm::v1::ObjectRef ObjectOfPurge(const catalog::QuarantinedObject& purge) {
  hsm::v1::ObjectRef object;
  object.set_object_id(absl::HexStringToBytes(purge.name.substr(purge.name.rfind('/') + 1)));
  if (purge.key.empty()) return object;
  object.set_key(purge.key);
  object.set_purpose(purge.raw ? hsm::v1::OBJECT_PURPOSE_RAW : hsm::v1::OBJECT_PURPOSE_JWT);
  return object;
}

absl::Duration LeastWindow(const hsm_client::Partition& partition) {
  return absl::Seconds(partition.Status().description.least_destroy_window_s());
}

// The purges of a partition, the most urgent first.
std::vector<std::shared_ptr<const catalog::QuarantinedObject>> PurgesOf(
    const catalog::Snapshot& snapshot, absl::string_view partition) {
  const std::string prefix = absl::StrCat("partitions/", partition, "/");
  std::vector<std::shared_ptr<const catalog::QuarantinedObject>> purges;
  for (const auto& [name, purge] : snapshot.quarantine) {
    if (absl::StartsWith(name, prefix)) purges.push_back(purge);
  }
  std::ranges::sort(purges, [](const auto& a, const auto& b) {
    return std::pair(a->destroy_due, a->name) < std::pair(b->destroy_due, b->name);
  });
  return purges;
}

}  // namespace

absl::StatusOr<absl::Time> Quarantine::Purge(const Quarantined& seen, absl::string_view purger,
                                             KeyManager::Amend amend) const {
  const auto name = QuarantinedObjectName::Parse(seen.name);
  if (!name.ok()) return name.status();
  const auto partition = FindPartition(name->partition);
  if (!partition.ok()) return partition.status();
  if (absl::Status s = options_.epochs->CheckUsable(**partition); !s.ok()) return s;
  if (!(*partition)->Status().description.has_marks()) {
    return MakeError(absl::StatusCode::kUnimplemented, "HSM_CANNOT_DESTROY",
                     absl::StrCat(seen.name,
                                  ": this HSM cannot hold the marks that a destruction "
                                  "needs; destroy the key pair with its own tools"));
  }
  const auto snapshot = options_.catalog->Get();
  if (OwnedObjects(*snapshot, name->partition).contains(seen.object_id)) return ConcurrentChange();
  if (snapshot->quarantine.size() >= kMaxPurges) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_PURGES",
                     absl::StrCat(kMaxPurges,
                                  " objects wait to be destroyed; try again once some "
                                  "of them are gone"));
  }
  const absl::Duration least = LeastWindow(**partition);
  const Margins& margins = options_.margins;
  catalog::QuarantinedObject purge;
  purge.name = seen.name;
  purge.key = seen.key;
  purge.raw = seen.purpose == hsm::v1::OBJECT_PURPOSE_RAW;
  purge.purger = std::string(purger);
  purge.schedule_time = options_.clock->Now();
  purge.destroy_due =
      purge.schedule_time +
      std::max(margins.purge_window, least + std::max(margins.window_margin, least / 8));
  store::Transaction transaction;
  catalog::PutQuarantinedObject(purge, transaction);
  // Nobody has adopted it meanwhile: that would have changed its key.
  if (const auto key = snapshot->keys.find(seen.key); key != snapshot->keys.end()) {
    transaction.compares.push_back({catalog::KeyRecordKey(seen.key), key->second->mod_revision});
  }
  amend(transaction);
  SEALWARD_FAILPOINT("quarantine.before_purge");
  if (auto revision = Commit(std::move(transaction)); !revision.ok()) return revision.status();
  SEALWARD_FAILPOINT("quarantine.purge_recorded");
  Log(Level::kWarning, "quarantine_purge_scheduled",
      {{"object", purge.name}, {"key", purge.key}, {"purger", purge.purger}});
  options_.manager->Changed(purge.key);
  return purge.destroy_due;
}

absl::StatusOr<absl::Time> Quarantine::Advance(
    const hsm_client::Partitions::Named& partition) const {
  const auto snapshot = options_.catalog->Get();
  const auto purges = PurgesOf(*snapshot, partition.name);
  absl::Time wake = absl::InfiniteFuture();
  if (purges.empty()) return wake;
  const absl::Time now = options_.clock->Now();
  const auto owned = OwnedObjects(*snapshot, partition.name);
  absl::Status first;
  size_t done = 0;
  for (const auto& purge : purges) {
    if (purge->destroy_marked && purge->destroy_due > now) {
      wake = std::min(wake, purge->destroy_due);
      continue;
    }
    if (done == kMaxPurgesPerPass) {
      wake = now;
      break;
    }
    const bool is_owned = owned.contains(ObjectOfPurge(*purge).object_id());
    const absl::Status status = AdvanceOne(*purge, *partition.partition, is_owned);
    if (status.ok()) {
      ++done;
      wake = now;  // there may be another step
      continue;
    }
    if (first.ok()) first = status;
    if (IsOutage(status)) break;
  }
  if (!first.ok()) return first;
  return wake;
}

absl::Status Quarantine::AdvanceOne(const catalog::QuarantinedObject& purge,
                                    hsm_client::Partition& partition, bool owned) const {
  // It cannot be, by the conditions of both commits. Were it, a key in use would go.
  if (owned) return End(purge, "quarantine_purge_dropped");
  const hsm::v1::ObjectRef object = ObjectOfPurge(purge);
  return purge.destroy_marked ? Destroy(purge, object, partition) : Mark(purge, object, partition);
}

absl::Status Quarantine::Mark(const catalog::QuarantinedObject& purge,
                              const hsm::v1::ObjectRef& object,
                              hsm_client::Partition& partition) const {
  const absl::Time limit = options_.manager->WallNow() + kMarkTimeout;
  absl::Status status = ScheduleObject(partition, object, purge.destroy_due, limit);
  SEALWARD_FAILPOINT("quarantine.marked");
  catalog::QuarantinedObject next = purge;
  if (ErrorReason(status) == "DESTROYED") {  // back from a backup of the HSM, perhaps
    return Destroy(purge, object, partition);
  }
  if (ErrorReason(status) == "WINDOW_TOO_SHORT") {
    next.destroy_due = PutOff(purge.destroy_due, LeastWindow(partition),
                              options_.margins.window_margin, options_.clock->Now());
    return Replace(next);
  }
  if (!status.ok()) return status;
  next.destroy_marked = true;
  const absl::Status recorded = Replace(next);
  SEALWARD_FAILPOINT("quarantine.mark_recorded");
  return recorded;
}

absl::Status Quarantine::Destroy(const catalog::QuarantinedObject& purge,
                                 const hsm::v1::ObjectRef& object,
                                 hsm_client::Partition& partition) const {
  const absl::Time limit = options_.manager->WallNow() + kMarkTimeout;
  absl::Status status = DestroyObject(partition, object, limit);
  SEALWARD_FAILPOINT("quarantine.destroyed");
  catalog::QuarantinedObject next = purge;
  if (ErrorReason(status) == "WINDOW_OPEN") {  // by the HSM process's clock
    next.destroy_due = options_.clock->Now() + options_.margins.window_retry_delay;
    return Replace(next);
  }
  if (ErrorReason(status) == "NOT_SCHEDULED") {  // its mark is gone: the window begins again
    next.destroy_marked = false;
    return Replace(next);
  }
  if (absl::IsUnimplemented(status)) {  // the record stays; only a person can do it
    Log(Level::kWarning, "quarantine_destroy_impossible", {{"object", purge.name}});
    next.destroy_due = options_.clock->Now() + kDestroyImpossibleRetryDelay;
    return Replace(next);
  }
  if (!status.ok()) return status;
  const std::array<std::string, 1> ids = {object.object_id()};
  if (absl::Status s = partition.ForgetEverywhere(ids, limit); !s.ok()) return s;
  SEALWARD_FAILPOINT("quarantine.forgotten");
  return End(purge, "quarantine_purged");
}

absl::Status Quarantine::Replace(const catalog::QuarantinedObject& next) const {
  store::Transaction transaction;
  catalog::PutQuarantinedObject(next, transaction);
  return Commit(std::move(transaction)).status();
}

absl::Status Quarantine::End(const catalog::QuarantinedObject& purge,
                             absl::string_view event) const {
  store::Transaction transaction;
  catalog::DeleteQuarantinedObject(purge, transaction);
  if (auto revision = Commit(std::move(transaction)); !revision.ok()) return revision.status();
  SEALWARD_FAILPOINT("quarantine.ended");
  Log(Level::kWarning, event, {{"object", purge.name}, {"key", purge.key}});
  return absl::OkStatus();
}

}  // namespace sealward::lifecycle
