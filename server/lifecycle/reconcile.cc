#include "server/lifecycle/reconcile.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/errors.h"
#include "server/lifecycle/object_calls.h"
#include "server/lifecycle/partition_objects.h"

namespace sealward::lifecycle {
namespace {

using Objects = absl::flat_hash_map<std::string, hsm::v1::PublicKey>;

// Names in an alarm; the log has them all.
constexpr size_t kMaxNamesInAlarm = 5;

absl::StatusOr<Objects> ListObjects(hsm_client::Partition& partition, absl::Time deadline,
                                    uint32_t& unattributable) {
  Objects objects;
  std::string after;
  for (int page = 0; page < kMaxReconcilePages; ++page) {
    auto list = ListPage(partition, after, kReconcilePageSize, deadline);
    if (!list.ok()) return list.status();
    unattributable = list->unattributable();
    for (hsm::v1::PublicKey& object : *list->mutable_objects()) {
      after = object.object().object_id();
      objects[after] = std::move(object);
    }
    if (!list->more()) return objects;
    if (list->objects_size() == 0) break;
  }
  return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_OBJECTS",
                   "the partition has more objects than can be compared with the store");
}

bool IsTheVersions(const hsm::v1::PublicKey& object, const catalog::Key& key,
                   const catalog::KeyVersion& version) {
  return object.object().key() == key.name && object.object().purpose() == PurposeOf(key) &&
         object.algorithm() == version.algorithm->algorithm && object.spki() == version.spki;
}

std::string VersionName(const catalog::Key& key, const catalog::KeyVersion& version) {
  return absl::StrCat(key.name, "/versions/", version.number);
}

void CompareVersion(const Objects& objects, const catalog::Key& key,
                    const catalog::KeyVersion& version, ReconcileReport& report) {
  if (version.spki.empty()) return;  // an intent: the driver generates it
  const auto object = objects.find(version.object_id);
  if (object == objects.end()) {
    // Destroyed, or about to be: the HSM comes first, the record after.
    if (version.times.schedule_destroy != absl::InfiniteFuture()) return;
    report.missing.push_back(VersionName(key, version));
  } else if (!IsTheVersions(object->second, key, version)) {
    report.mismatched.push_back(VersionName(key, version));
    report.withheld.insert(version.object_id);
  }
}

void FindUnknown(const Objects& objects, const catalog::Snapshot& snapshot,
                 absl::string_view partition, ReconcileReport& report) {
  const auto owned = OwnedObjects(snapshot, partition);
  for (const auto& [id, object] : objects) {
    if (!owned.contains(id)) report.unknown.push_back(absl::BytesToHexString(id));
  }
}

void AppendAlarm(absl::string_view what, const std::vector<std::string>& names,
                 std::string& alarm) {
  if (names.empty()) return;
  const size_t shown = std::min(names.size(), kMaxNamesInAlarm);
  absl::StrAppend(
      &alarm, alarm.empty() ? "" : "; ", names.size(), " ", what, ": ",
      absl::StrJoin(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
      shown < names.size() ? ", and more" : "");
}

}  // namespace

std::string ReconcileReport::Alarm() const {
  std::string alarm;
  AppendAlarm("versions whose HSM object is another key pair, withheld from signing", mismatched,
              alarm);
  AppendAlarm("versions without their HSM object", missing, alarm);
  return alarm;
}

absl::StatusOr<ReconcileReport> Reconcile(const catalog::Catalog& catalog,
                                          const hsm_client::Partitions::Named& partition,
                                          absl::Time deadline) {
  // An object is listed only after its intent was committed, and a version gets
  // its public key only after its object is there. So what must be listed is
  // read before, and who may own what was listed, after.
  const auto before = catalog.Get();
  ReconcileReport report;
  const auto objects = ListObjects(*partition.partition, deadline, report.unattributable);
  if (!objects.ok()) return objects.status();
  const auto after = catalog.Get();
  report.objects = objects->size();
  for (const auto& [name, key] : before->keys) {
    if (!IsInPartition(*key, partition.name)) continue;
    for (const auto& version : key->versions) CompareVersion(*objects, *key, *version, report);
  }
  FindUnknown(*objects, *after, partition.name, report);
  return report;
}

bool Withheld::Contains(absl::string_view object_id) const {
  absl::ReaderMutexLock lock(&mu_);
  return object_ids_.contains(object_id);
}

std::string Withheld::Alarm(absl::string_view partition) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = reports_.find(partition);
  return found == reports_.end() ? "" : found->second.Alarm();
}

ReconcileReport Withheld::Report(absl::string_view partition) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = reports_.find(partition);
  return found == reports_.end() ? ReconcileReport() : found->second;
}

void Withheld::Set(absl::string_view partition, const ReconcileReport& report) {
  absl::MutexLock lock(&mu_);
  reports_[partition] = report;
  object_ids_.clear();
  for (const auto& [name, each] : reports_) {
    object_ids_.insert(each.withheld.begin(), each.withheld.end());
  }
}

}  // namespace sealward::lifecycle
