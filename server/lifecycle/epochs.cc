#include "server/lifecycle/epochs.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/failpoint.h"
#include "common/resource_name.h"
#include "server/catalog/mutations.h"
#include "server/catalog/operations_mutations.h"
#include "server/lifecycle/resource_errors.h"
#include "server/telemetry/logging.h"

namespace sealward::lifecycle {
namespace {

using telemetry::Level;
using telemetry::Log;

// How often a change is decided again after somebody else's came first.
constexpr int kMaxAttempts = 5;

std::string ResourceName(absl::string_view partition) {
  return PartitionResourceName{std::string(partition)}.ToString();
}

absl::Status StoreOlder(absl::string_view partition) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "STORE_OLDER_THAN_PARTITION",
      absl::StrCat("nothing of partition \"", partition,
                   "\" signs: the server's store is older than it, as after a backup was restored. "
                   "Put the newer store back, or have two admins run `sealward partitions recover ",
                   partition, "`"));
}

absl::Status Unasked(const hsm_client::Partition& partition) {
  const std::string alarm = partition.Status().alarm;
  return MakeRetryableError(absl::StatusCode::kUnavailable, "HSM_UNAVAILABLE",
                            absl::StrCat("the HSM has not answered since the server started",
                                         alarm.empty() ? "; try again" : ": ", alarm),
                            kWitnessRetryDelay);
}

bool IsRolledBack(const catalog::PartitionMemory& memory) {
  return memory.rolled_back != absl::InfiniteFuture();
}

}  // namespace

Epochs::Epochs(Options options) : options_(std::move(options)) {
  const auto snapshot = options_.catalog->Get();
  for (const hsm_client::Partitions::Named& named : options_.partitions->all()) {
    auto entry = std::make_unique<Entry>();
    entry->name = named.name;
    entry->partition = named.partition;
    entry->loaded_revision = EpochRevision(*snapshot, named.name);
    if (IsRolledBack(MemoryOf(entry->name))) entry->witness = Witness::kStoreOlder;
    entries_.push_back(std::move(entry));
  }
}

absl::Status Epochs::EnsureLineage() {
  catalog::StoreIdentity identity = options_.catalog->Get()->store_identity;
  if (!identity.lineage.empty()) return absl::OkStatus();
  identity.lineage = options_.random(catalog::kLineageBytes);
  store::Transaction transaction;
  catalog::PutStoreIdentity(identity, transaction);
  return Commit(transaction);
}

absl::Status Epochs::CheckUsable(const hsm_client::Partition& partition) const {
  for (const auto& entry : entries_) {  // few: a scan beats a hash
    if (entry->partition != &partition) continue;
    switch (entry->witness.load(std::memory_order_acquire)) {
      case Witness::kConfirmed:
      case Witness::kNone:
        return absl::OkStatus();
      case Witness::kStoreOlder:
        return StoreOlder(entry->name);
      case Witness::kUnasked:
        return Unasked(partition);
    }
  }
  return Unasked(partition);
}

Epochs::Entry* Epochs::Find(absl::string_view partition) const {
  for (const auto& entry : entries_) {
    if (entry->name == hsm_client::PartitionName(partition)) return entry.get();
  }
  return nullptr;
}

Witness Epochs::WitnessOf(absl::string_view partition) const {
  const Entry* entry = Find(partition);
  return entry == nullptr ? Witness::kUnasked : entry->witness.load();
}

catalog::PartitionMemory Epochs::MemoryOf(absl::string_view partition) const {
  const auto snapshot = options_.catalog->Get();
  const std::string name = ResourceName(partition);
  const auto found = snapshot->partitions.find(name);
  if (found != snapshot->partitions.end()) return *found->second;
  catalog::PartitionMemory none;
  none.name = name;
  return none;
}

absl::Status Epochs::Commit(const store::Transaction& transaction) {
  const auto revision = options_.catalog->Commit(transaction);
  options_.metrics->CountStoreCommit(revision.status().code());
  if (!absl::IsAborted(revision.status())) return revision.status();
  // The next decision is to see the change that came first.
  if (absl::Status s = options_.catalog->CatchUp(); !s.ok()) return s;
  return revision.status();
}

absl::Status Epochs::Remember(const catalog::PartitionMemory& memory) {
  store::Transaction transaction;
  catalog::PutPartition(memory, transaction);
  return Commit(transaction);
}

absl::Status Epochs::Verify(absl::string_view partition) {
  Entry* entry = Find(partition);
  if (entry == nullptr) return ResourceNotFound(ResourceName(partition));
  absl::MutexLock lock(&entry->mu);
  return VerifyLocked(*entry);
}

absl::Status Epochs::VerifyLocked(Entry& entry) {
  const Witness witness = entry.witness.load();
  if (witness == Witness::kConfirmed || witness == Witness::kNone) return absl::OkStatus();
  if (witness == Witness::kStoreOlder && entry.tombstones_taken) return StoreOlder(entry.name);
  const auto testimony = AskWitness(*entry.partition, options_.clock->Now() + kWitnessTimeout);
  if (!testimony.ok()) {
    const absl::Status remembered = RememberUnasked(entry);
    return remembered.ok() ? testimony.status() : remembered;
  }
  if (!testimony->has_marks) {
    Log(Level::kWarning, "partition_without_witness", {{"partition", entry.name}});
    entry.witness = Witness::kNone;
    return absl::OkStatus();
  }
  if (witness == Witness::kStoreOlder) {
    if (absl::Status s = TakeTombstones(entry, *testimony); !s.ok()) return s;
    return StoreOlder(entry.name);
  }
  const auto snapshot = options_.catalog->Get();
  const catalog::PartitionMemory memory = MemoryOf(entry.name);
  const int64_t known =
      memory.known_epoch_revision != 0 ? memory.known_epoch_revision : entry.loaded_revision;
  std::string why = FindRollback(*snapshot, memory, known, *testimony);
  if (!why.empty()) return RollBack(entry, *testimony, std::move(why));
  return Confirm(entry);
}

// Changes that follow make the keys' revision newer, and would hide that the store was
// older; 1 is the revision of a store without keys.
absl::Status Epochs::RememberUnasked(Entry& entry) {
  catalog::PartitionMemory memory = MemoryOf(entry.name);
  if (IsRolledBack(memory) || memory.known_epoch_revision != 0) return absl::OkStatus();
  memory.known_epoch_revision = std::max<int64_t>(entry.loaded_revision, 1);
  return Remember(memory);
}

// From here on nothing of the partition signs, after a restart neither.
absl::Status Epochs::RollBack(Entry& entry, const Testimony& testimony, std::string why) {
  entry.witness = Witness::kStoreOlder;
  catalog::PartitionMemory memory = MemoryOf(entry.name);
  memory.rolled_back = options_.clock->Now();
  memory.rollback = why;
  memory.partition_lineage = testimony.epoch.lineage();
  Log(Level::kError, "store_older_than_partition", {{"partition", entry.name}, {"why", why}});
  options_.metrics->CountAlarm("store_older_than_partition");
  if (absl::Status s = Remember(memory); !s.ok()) {
    entry.witness = Witness::kUnasked;  // found again, and remembered then
    return s;
  }
  SEALWARD_FAILPOINT("epoch.rollback_remembered");
  if (absl::Status s = TakeTombstones(entry, testimony); !s.ok()) return s;
  return StoreOlder(entry.name);
}

absl::Status Epochs::TakeTombstones(Entry& entry, const Testimony& testimony) {
  const std::string by = ResourceName(entry.name);
  const auto all = options_.catalog->Get();
  for (const auto& [name, unused] : all->keys) {
    absl::Status status = absl::AbortedError("");
    for (int attempt = 0; attempt < kMaxAttempts && absl::IsAborted(status); ++attempt) {
      const auto snapshot = options_.catalog->Get();
      const catalog::Key& key = *snapshot->keys.at(name);
      const auto next = WithTombstones(key, testimony.tombstones, by, options_.clock->Now());
      if (!next) {
        status = absl::OkStatus();
        break;
      }
      status = Commit(catalog::ReplaceVersions(key, *next));
      Log(Level::kWarning, "tombstones_taken_over", {{"key", name}, {"ok", status.ok()}});
    }
    if (!status.ok()) return status;
  }
  entry.tombstones_taken = true;
  return absl::OkStatus();
}

absl::Status Epochs::Confirm(Entry& entry) {
  const int64_t revision = EpochRevision(*options_.catalog->Get(), entry.name);
  // A partition without keys is bound to no store yet.
  if (revision > 0) {
    if (absl::Status s = Note(entry, revision); !s.ok()) return s;
  }
  catalog::PartitionMemory memory = MemoryOf(entry.name);
  if (memory.known_epoch_revision != 0 || !memory.partition_lineage.empty()) {
    memory.known_epoch_revision = 0;
    memory.partition_lineage.clear();
    if (absl::Status s = Remember(memory); !s.ok()) return s;
  }
  entry.witness = Witness::kConfirmed;
  Log(Level::kInfo, "partition_confirmed", {{"partition", entry.name}, {"epoch", revision}});
  return absl::OkStatus();
}

absl::Status Epochs::Note(Entry& entry, int64_t revision) {
  const auto snapshot = options_.catalog->Get();
  hsm::v1::Operation operation;
  hsm::v1::AdvanceEpoch& advance = *operation.mutable_advance_epoch();
  advance.mutable_epoch()->set_lineage(snapshot->store_identity.lineage);
  advance.mutable_epoch()->set_revision(revision);
  advance.set_recover(MemoryOf(entry.name).partition_lineage);
  const auto answer =
      entry.partition->Call(std::move(operation), options_.clock->Now() + kEpochTimeout);
  if (!answer.ok()) return answer.status();
  if (answer->code() != 0) {
    return MakeError(static_cast<absl::StatusCode>(answer->code()), answer->reason(),
                     absl::StrCat("partition ", entry.name, ": ", answer->message()));
  }
  SEALWARD_FAILPOINT("epoch.noted");
  entry.noted = revision;
  if (answer->epoch().revision() <= revision) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "EPOCH_AHEAD",
                   absl::StrCat("partition ", entry.name, " is at revision ",
                                answer->epoch().revision(), " already, not at ", revision));
}

void Epochs::NotNoted(Entry& entry, const absl::Status& why) {
  entry.behind = true;
  Log(Level::kWarning, "epoch_not_noted", {{"partition", entry.name}, {"status", why.ToString()}});
  options_.metrics->CountAlarm("epoch_not_noted");
}

void Epochs::Advance(absl::string_view partition, int64_t revision) {
  Entry* entry = Find(partition);
  if (entry == nullptr || entry->behind.load()) return;
  AdvanceEntry(*entry, revision);
}

void Epochs::AdvanceEntry(Entry& entry, int64_t revision) {
  if (entry.witness.load() != Witness::kConfirmed) return;
  int64_t wanted = entry.wanted.load();
  while (wanted < revision && !entry.wanted.compare_exchange_weak(wanted, revision)) {
  }
  absl::MutexLock lock(&entry.mu);
  if (entry.noted >= revision || entry.witness.load() != Witness::kConfirmed) return;
  SEALWARD_FAILPOINT("epoch.before_note");
  const absl::Status noted = Note(entry, entry.wanted.load());
  if (noted.ok()) {
    entry.behind = false;
    return;
  }
  NotNoted(entry, noted);
  // Somebody else writes to it: another copy of this store, which is ahead, or another
  // store. What that is, Verify says.
  if (absl::IsFailedPrecondition(noted)) {
    entry.loaded_revision = entry.noted;
    entry.witness = Witness::kUnasked;
  }
}

void Epochs::AdvanceToNewest(absl::string_view partition) {
  Entry* entry = Find(partition);
  if (entry == nullptr || entry->witness.load() != Witness::kConfirmed) return;
  const auto snapshot = options_.catalog->Get();
  if (!entry->behind.load() && entry->looked_at.load() == snapshot->revision) return;
  const int64_t revision = EpochRevision(*snapshot, partition);
  if (revision > 0) AdvanceEntry(*entry, revision);
  entry->looked_at = snapshot->revision;
}

// Those of the configuration and those that tenants are bound to.
std::set<std::string> Epochs::AllPartitions(const catalog::Snapshot& snapshot) const {
  std::set<std::string> names;
  for (const auto& entry : entries_) names.insert(entry->name);
  for (const auto& [name, tenant] : snapshot.tenants) {
    names.emplace(hsm_client::PartitionName(tenant->partition));
  }
  return names;
}

// The store's next lineage; every other partition follows when it is next used.
store::Transaction Epochs::NewLineage(const Entry& entry, const hsm::v1::Epoch& epoch) const {
  const auto snapshot = options_.catalog->Get();
  catalog::StoreIdentity identity = snapshot->store_identity;
  store::Transaction transaction;
  for (const std::string& name : AllPartitions(*snapshot)) {
    catalog::PartitionMemory memory = MemoryOf(name);
    if (name == entry.name) {
      memory.rolled_back = absl::InfiniteFuture();
      memory.rollback.clear();
      memory.partition_lineage = epoch.lineage();
      memory.known_epoch_revision = std::max<int64_t>(epoch.revision(), 1);
      memory.recovered = options_.clock->Now();
    } else if (!IsRolledBack(memory) && memory.partition_lineage.empty()) {
      memory.partition_lineage = identity.lineage;
    } else {
      continue;
    }
    catalog::PutPartition(memory, transaction);
  }
  identity.lineage = options_.random(catalog::kLineageBytes);
  catalog::PutStoreIdentity(identity, transaction);
  return transaction;
}

std::vector<std::string> Epochs::EndedVersions(const Entry& entry,
                                               const Testimony& testimony) const {
  const std::string by = ResourceName(entry.name);
  const auto snapshot = options_.catalog->Get();
  std::vector<std::string> names;
  for (const auto& [name, key] : snapshot->keys) {
    const auto next = WithTombstones(*key, testimony.tombstones, by, options_.clock->Now());
    for (const auto& version : (next ? *next : *key).versions) {
      if (version->revoker == by && testimony.tombstones.contains(version->object_id)) {
        names.push_back(absl::StrCat(name, "/versions/", version->number));
      }
    }
  }
  std::ranges::sort(names);
  return names;
}

absl::StatusOr<std::vector<std::string>> Epochs::Recover(
    absl::string_view partition, bool validate_only,
    absl::FunctionRef<void(store::Transaction&)> amend) {
  Entry* entry = Find(partition);
  if (entry == nullptr) return ResourceNotFound(ResourceName(partition));
  auto ended = RecoverOne(*entry, validate_only, amend);
  if (!ended.ok() || validate_only) return ended;
  for (const auto& other : entries_) {
    if (other.get() == entry || other->witness.load() != Witness::kConfirmed) continue;
    absl::MutexLock lock(&other->mu);
    if (const absl::Status moved = Confirm(*other); !moved.ok()) NotNoted(*other, moved);
  }
  return ended;
}

absl::StatusOr<std::vector<std::string>> Epochs::RecoverOne(
    Entry& entry, bool validate_only, absl::FunctionRef<void(store::Transaction&)> amend) {
  absl::MutexLock lock(&entry.mu);
  if (!IsRolledBack(MemoryOf(entry.name))) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "NOT_ROLLED_BACK",
                     absl::StrCat(ResourceName(entry.name),
                                  " is not older than its store; there is nothing to recover"));
  }
  const auto testimony = AskWitness(*entry.partition, options_.clock->Now() + kWitnessTimeout);
  if (!testimony.ok()) return testimony.status();
  std::vector<std::string> ended = EndedVersions(entry, *testimony);
  if (validate_only) return ended;
  if (absl::Status s = TakeTombstones(entry, *testimony); !s.ok()) return s;
  store::Transaction transaction = NewLineage(entry, testimony->epoch);
  amend(transaction);
  if (absl::Status s = Commit(transaction); !s.ok()) return s;
  SEALWARD_FAILPOINT("epoch.recovered");
  Log(Level::kWarning, "partition_recovered", {{"partition", entry.name}});
  entry.witness = Witness::kUnasked;
  if (absl::Status s = VerifyLocked(entry); !s.ok()) {
    Log(Level::kWarning, "partition_not_confirmed",
        {{"partition", entry.name}, {"status", s.ToString()}});
  }
  return ended;
}

}  // namespace sealward::lifecycle
