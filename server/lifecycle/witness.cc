#include "server/lifecycle/witness.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/catalog/mutations.h"
#include "server/hsm_client/partitions.h"
#include "server/lifecycle/hsm_call.h"
#include "server/lifecycle/intervene.h"
#include "server/lifecycle/partition_objects.h"

namespace sealward::lifecycle {
namespace {

using hsm::v1::Mark;

bool IsTombstone(const Mark& mark) {
  return mark.kind() == Mark::KIND_REVOKED || mark.kind() == Mark::KIND_DESTROYED;
}

// Whether the store knows what the tombstone says. It commits before the partition
// acts, so of a pair that is destroyed it knows the schedule, if not the end.
bool Knows(const VersionTimes& times, const Mark& mark) {
  if (mark.kind() == Mark::KIND_REVOKED) return times.revoke != absl::InfiniteFuture();
  return times.schedule_destroy != absl::InfiniteFuture() ||
         times.destroy != absl::InfiniteFuture();
}

absl::Status AskMarks(hsm_client::Partition& partition, absl::Time deadline,
                      Tombstones& tombstones) {
  std::string after;
  for (int page = 0; page < kMaxMarksPages; ++page) {
    hsm::v1::Operation operation;
    operation.mutable_list_marks()->set_after_object_id(after);
    operation.mutable_list_marks()->set_limit(kMarksPageSize);
    auto result = CallHsm(partition, std::move(operation), deadline);
    if (!result.ok()) return result.status();
    hsm::v1::MarkList& list = *result->mutable_mark_list();
    for (Mark& mark : *list.mutable_marks()) {
      after = mark.object_id();
      if (IsTombstone(mark)) tombstones[after] = std::move(mark);
    }
    if (!list.more()) return absl::OkStatus();
    if (list.marks_size() == 0) break;
  }
  return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_MARKS",
                   "the partition has more marks than can be compared with the store");
}

std::string Describe(const Mark& mark, absl::string_view whose) {
  return absl::StrCat("the partition has ",
                      mark.kind() == Mark::KIND_REVOKED ? "revoked " : "destroyed ", whose,
                      ", which the store does not know");
}

// A tombstone that the store should know of and does not; empty if there is none.
std::string FindUnknownTombstone(const catalog::Snapshot& snapshot,
                                 const catalog::PartitionMemory& memory,
                                 const Tombstones& tombstones) {
  absl::flat_hash_set<absl::string_view> owned;
  for (const auto& [name, key] : snapshot.keys) {
    for (const auto& version : key->versions) {
      const auto found = tombstones.find(version->object_id);
      if (found == tombstones.end()) continue;
      owned.insert(version->object_id);
      if (!Knows(version->times, found->second)) {
        return Describe(found->second, absl::StrCat(name, "/versions/", version->number));
      }
    }
  }
  for (const auto& [id, mark] : tombstones) {
    if (owned.contains(id) || mark.key().empty()) continue;
    // From quarantine, perhaps, of which the store keeps no record. Nothing of it is left
    // that an older store could bring back.
    if (mark.kind() == Mark::KIND_DESTROYED) continue;
    if (absl::FromUnixMicros(mark.time_us()) <= memory.recovered) continue;
    return Describe(mark, absl::StrCat("a version of ", mark.key(), " (object ",
                                       absl::BytesToHexString(id), ")"));
  }
  return "";
}

}  // namespace

absl::StatusOr<Testimony> AskWitness(hsm_client::Partition& partition, absl::Time deadline) {
  Testimony testimony;
  hsm::v1::Operation read;
  read.mutable_read_epoch();
  auto epoch = CallHsm(partition, std::move(read), deadline);
  // What an HSM without data objects says (hsm.proto, Description.has_marks).
  if (absl::IsUnimplemented(epoch.status())) return testimony;
  if (!epoch.ok()) return epoch.status();
  testimony.has_marks = true;
  testimony.epoch = epoch->epoch();
  if (absl::Status s = AskMarks(partition, deadline, testimony.tombstones); !s.ok()) return s;
  return testimony;
}

int64_t EpochRevision(const catalog::Snapshot& snapshot, absl::string_view partition) {
  int64_t revision = 0;
  for (const auto& [bound_to, newest] : snapshot.key_revisions) {
    if (hsm_client::PartitionName(bound_to) == partition) revision = std::max(revision, newest);
  }
  return revision;
}

std::string FindRollback(const catalog::Snapshot& snapshot, const catalog::PartitionMemory& memory,
                         int64_t known_revision, const Testimony& testimony) {
  const hsm::v1::Epoch& epoch = testimony.epoch;
  if (!epoch.lineage().empty() && epoch.lineage() != snapshot.store_identity.lineage &&
      epoch.lineage() != memory.partition_lineage) {
    return "the partition belongs to another store, or to one that persons have recovered since";
  }
  if (epoch.revision() > known_revision) {
    return absl::StrCat("the partition has seen revision ", epoch.revision(),
                        " of its keys, the store ends at ", known_revision);
  }
  return FindUnknownTombstone(snapshot, memory, testimony.tombstones);
}

std::optional<catalog::Key> WithTombstones(const catalog::Key& key, const Tombstones& tombstones,
                                           absl::string_view by, absl::Time now) {
  std::vector<VersionTimes> times = catalog::TimesOf(key);
  std::vector<size_t> revoked;
  std::vector<size_t> ended;
  for (size_t i = 0; i < times.size(); ++i) {
    const auto found = tombstones.find(key.versions[i]->object_id);
    if (found == tombstones.end() || Knows(times[i], found->second)) continue;
    ended.push_back(i);
    if (found->second.kind() == Mark::KIND_REVOKED) {
      revoked.push_back(i);
      continue;
    }
    const absl::Time then = std::min(absl::FromUnixMicros(found->second.time_us()), now);
    times[i].schedule_destroy = times[i].destroy_due = times[i].destroy = then;
    times[i].destroy_marked = true;
  }
  if (ended.empty()) return std::nullopt;
  KeyCourse course = catalog::CourseOf(key, /*room=*/0);
  course.versions = std::move(times);
  times = Revoke(course, revoked, WithoutStandby::kRefuse, now).versions;
  for (const size_t i : revoked) times[i].revoke_marked = true;
  catalog::Key next = catalog::WithTimes(key, times);
  for (const size_t i : ended) {
    catalog::KeyVersion version = *next.versions[i];
    version.revoker = std::string(by);
    next.versions[i] = std::make_shared<const catalog::KeyVersion>(std::move(version));
  }
  return next;
}

}  // namespace sealward::lifecycle
