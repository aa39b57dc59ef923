// Quarantine: what is there, and what may become of it.
#include "server/lifecycle/quarantine.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/failpoint.h"
#include "common/jwk.h"
#include "server/catalog/layout.h"
#include "server/catalog/mutations.h"
#include "server/lifecycle/hsm_call.h"
#include "server/lifecycle/new_key.h"
#include "server/lifecycle/object_calls.h"
#include "server/lifecycle/partition_objects.h"
#include "server/lifecycle/reconcile.h"
#include "server/lifecycle/resource_errors.h"
#include "server/telemetry/logging.h"

namespace sealward::lifecycle {
namespace {

absl::Status NotAdoptable(const Quarantined& object, absl::string_view why) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "NOT_ADOPTABLE",
                   absl::StrCat(object.name, " cannot be adopted: ", why));
}

// Whether some JWKS has `jwk` as a foreign key's pair, or this issuer's its kid: the pair of a
// RAW key, above all, must not stand in any.
bool IsForeign(const catalog::Snapshot& snapshot, const std::string& issuer,
               const std::string& kid) {
  for (const auto& [of_issuer, keys] : snapshot.foreign_keys) {
    for (const auto& [name, key] : *keys) {
      if (JwkThumbprint(key->jwk) == kid) return true;
      if (of_issuer == issuer && key->jwk.kid() == kid) return true;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<hsm_client::Partition*> Quarantine::FindPartition(absl::string_view name) const {
  if (!options_.partitions->Contains(name)) {
    return ResourceNotFound(PartitionResourceName{std::string(name)}.ToString());
  }
  return options_.partitions->Find(name);
}

Quarantined Quarantine::Describe(const hsm::v1::PublicKey& object,
                                 absl::string_view partition) const {
  Quarantined described;
  described.object_id = object.object().object_id();
  described.name =
      QuarantinedObjectName{std::string(partition), absl::BytesToHexString(described.object_id)}
          .ToString();
  described.key = object.object().key();
  described.purpose = object.object().purpose();
  described.algorithm = FindAlgorithm(object.algorithm());
  described.spki = object.spki();
  if (described.algorithm != nullptr) {
    if (auto jwk = JwkFromSpki(*described.algorithm, object.spki()); jwk.ok()) {
      described.jwk = *std::move(jwk);
    }
  }
  return described;
}

absl::Status Quarantine::JudgeByStore(const Quarantined& object,
                                      absl::string_view partition) const {
  const auto snapshot = options_.catalog->Get();
  if (snapshot->quarantine.contains(object.name)) {
    return NotAdoptable(object, "it is to be destroyed");
  }
  if (object.jwk.kid().empty()) return NotAdoptable(object, "its algorithm is not known");
  const auto found = snapshot->keys.find(object.key);
  if (found == snapshot->keys.end() || !IsInPartition(*found->second, partition)) {
    return NotAdoptable(object, "the key in its label does not exist in this partition");
  }
  const catalog::Key& key = *found->second;
  if (object.purpose != PurposeOf(key)) {
    return NotAdoptable(object, "its label is for another purpose than its key's");
  }
  if (object.algorithm != key.algorithm) {
    return NotAdoptable(object, "its key makes versions of another algorithm");
  }
  if (snapshot->versions_by_object_id.contains(object.object_id)) {
    return NotAdoptable(object, "it was a version's, and that was destroyed");
  }
  if (!CheckNewKid(*snapshot, object.jwk.kid()).ok() ||
      IsForeign(*snapshot, key.issuer->name, object.jwk.kid())) {
    return NotAdoptable(object, "another version or a foreign key has its kid");
  }
  if (catalog::RoomOf(*snapshot, key, options_.clock->Now()) <= 0) {
    return NotAdoptable(
        object, "the JWKS of its issuer is full, or it is RAW and its key has too many versions");
  }
  return absl::OkStatus();
}

// What is wrong with adopting it; or why that is not known.
absl::StatusOr<absl::Status> Quarantine::Judge(const Quarantined& object,
                                               absl::string_view partition,
                                               absl::Time deadline) const {
  auto found = options_.partitions->Find(partition);
  if (!found.ok()) return found.status();
  if (!options_.epochs->CheckUsable(**found).ok()) {
    return NotAdoptable(object, "its partition cannot be used with this store");
  }
  if (absl::Status s = JudgeByStore(object, partition); !s.ok()) return s;
  const auto mark = FindMark(**found, object.object_id, deadline);
  if (absl::IsUnimplemented(mark.status())) {
    return NotAdoptable(object, "its HSM cannot say whether it was revoked");
  }
  if (!mark.ok()) return mark.status();
  if (*mark) {
    return NotAdoptable(object, "the partition has it marked as revoked, destroyed, or to be");
  }
  return absl::OkStatus();
}

absl::StatusOr<QuarantinePage> Quarantine::List(absl::string_view partition,
                                                absl::string_view after, size_t limit,
                                                absl::Time deadline) const {
  const auto found = FindPartition(partition);
  if (!found.ok()) return found.status();
  const auto before = options_.catalog->Get();
  const auto owned_before = OwnedObjects(*before, partition);
  QuarantinePage page;
  std::vector<hsm::v1::PublicKey> candidates;
  std::string last(after);
  bool more = true;
  for (int i = 0; more && i < kMaxReconcilePages; ++i) {
    auto list = ListPage(**found, last, kReconcilePageSize, deadline);
    if (!list.ok()) return list.status();
    page.unattributable = list->unattributable();
    more = list->more() && list->objects_size() > 0;
    for (hsm::v1::PublicKey& object : *list->mutable_objects()) {
      last = object.object().object_id();
      if (owned_before.contains(last)) continue;
      if (candidates.size() == limit) {
        page.next = candidates.back().object().object_id();
        more = false;
        break;
      }
      candidates.push_back(std::move(object));
    }
  }
  if (more) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_OBJECTS",
                     "the partition has more objects than can be compared with the store");
  }
  // Who came to own one while the HSM was asked.
  const auto now = options_.catalog->Get();
  const auto owned = OwnedObjects(*now, partition);
  for (const hsm::v1::PublicKey& candidate : candidates) {
    if (owned.contains(candidate.object().object_id())) continue;
    Quarantined object = Describe(candidate, partition);
    const auto adoptable = Judge(object, partition, deadline);
    if (!adoptable.ok()) return adoptable.status();
    object.adoptable = *adoptable;
    const auto purge = now->quarantine.find(object.name);
    if (purge != now->quarantine.end()) object.destroy_due = purge->second->destroy_due;
    page.objects.push_back(std::move(object));
  }
  return page;
}

absl::StatusOr<Quarantined> Quarantine::Get(const QuarantinedObjectName& name,
                                            absl::Time deadline) const {
  const std::string object_id = absl::HexStringToBytes(name.object_id);
  auto page = List(name.partition, IdBefore(object_id), 1, deadline);
  if (!page.ok()) return page.status();
  if (page->objects.empty() || page->objects.front().object_id != object_id) {
    return ResourceNotFound(name.ToString());
  }
  return std::move(page->objects.front());
}

absl::Status Quarantine::ReadAgain(const Quarantined& seen, hsm_client::Partition& partition,
                                   absl::Time deadline) const {
  hsm::v1::Operation operation;
  hsm::v1::ObjectRef& object = *operation.mutable_get_public_key()->mutable_object();
  object.set_object_id(seen.object_id);
  object.set_key(seen.key);
  object.set_purpose(seen.purpose);
  const auto result = CallHsm(partition, std::move(operation), deadline);
  if (!result.ok()) return result.status();
  const hsm::v1::PublicKey& read = result->public_key();
  const bool same = read.object().object_id() == seen.object_id &&
                    read.object().key() == seen.key &&
                    read.algorithm() == seen.algorithm->algorithm && read.spki() == seen.spki;
  return same ? absl::OkStatus()
              : NotAdoptable(seen, "its key pair is not the one that was listed");
}

absl::StatusOr<int64_t> Quarantine::Adopt(const Quarantined& seen, absl::Time deadline,
                                          KeyManager::Amend amend) const {
  const auto name = QuarantinedObjectName::Parse(seen.name);
  if (!name.ok()) return name.status();
  const auto partition = FindPartition(name->partition);
  if (!partition.ok()) return partition.status();
  if (absl::Status s = options_.epochs->CheckUsable(**partition); !s.ok()) return s;
  const auto snapshot = options_.catalog->Get();
  const auto judged = Judge(seen, name->partition, deadline);
  if (!judged.ok()) return judged.status();
  if (!judged->ok()) return *judged;
  if (absl::Status s = ReadAgain(seen, **partition, deadline); !s.ok()) return s;
  const auto found = snapshot->keys.find(seen.key);
  if (found == snapshot->keys.end()) return ConcurrentChange();
  const absl::Time now = options_.clock->Now();
  catalog::Key key = *found->second;
  auto version = std::make_shared<catalog::KeyVersion>();
  version->number = ++key.last_version;
  version->object_id = seen.object_id;
  version->algorithm = seen.algorithm;
  version->create_time = now;
  key.versions.push_back(version);
  const KeyCourse course = catalog::CourseOf(key, catalog::RoomOf(*snapshot, key, now));
  version->times = TimesOfNewVersion(course, course.versions.size() - 1, now);
  version->spki = seen.spki;
  version->jwk = seen.jwk;
  store::Transaction transaction = catalog::CompleteVersion(key, *version);
  // Nobody has it purged meanwhile.
  transaction.compares.push_back({catalog::QuarantineRecordKey(seen.name), 0});
  amend(transaction);
  SEALWARD_FAILPOINT("quarantine.before_adoption");
  const auto revision = Commit(std::move(transaction));
  if (!revision.ok()) return revision.status();
  SEALWARD_FAILPOINT("quarantine.adoption_recorded");
  telemetry::Log(telemetry::Level::kWarning, "key_version_adopted",
                 {{"key", key.name}, {"version", version->number}, {"object", seen.name}});
  options_.manager->Changed(key.name);
  options_.epochs->Advance(name->partition, *revision);
  return version->number;
}

absl::StatusOr<int64_t> Quarantine::Commit(store::Transaction transaction) const {
  if (options_.stamp) options_.stamp(transaction);
  auto revision = options_.catalog->Commit(transaction);
  options_.metrics->CountStoreCommit(revision.status().code());
  if (!absl::IsAborted(revision.status())) return revision;
  if (absl::Status s = options_.catalog->CatchUp(); !s.ok()) return s;
  return revision;
}

}  // namespace sealward::lifecycle
