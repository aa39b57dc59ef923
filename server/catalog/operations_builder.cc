#include "server/catalog/operations_builder.h"

#include <memory>
#include <string>
#include <utility>

#include "common/resource_name.h"
#include "server/catalog/operations_records.h"

namespace sealward::catalog {
namespace {

using ForeignKeys = std::map<std::string, std::shared_ptr<const ForeignKey>>;

// The issuer of a foreign key's name. REQUIRES: a valid one (layout.cc).
std::string IssuerOf(const std::string& name) {
  return ForeignKeyName::Parse(name)->issuer.ToString();
}

absl::Status PutForeignKey(Snapshot& next, const RecordKey& key, const Stored& stored) {
  auto parsed = ParseForeignKey(stored, key.name);
  if (!parsed.ok()) return parsed.status();
  const std::string issuer = IssuerOf(key.name);
  if (!next.issuers.contains(issuer)) {
    return CorruptRecord(stored.store_key, "its issuer is not there");
  }
  auto& keys = next.foreign_keys[issuer];
  auto copy =
      keys == nullptr ? std::make_shared<ForeignKeys>() : std::make_shared<ForeignKeys>(*keys);
  (*copy)[key.name] = std::make_shared<const ForeignKey>(*std::move(parsed));
  keys = std::move(copy);
  return absl::OkStatus();
}

void DeleteForeignKey(Snapshot& next, const std::string& name) {
  const std::string issuer = IssuerOf(name);
  const auto keys = next.foreign_keys.find(issuer);
  if (keys == next.foreign_keys.end()) return;
  auto copy = std::make_shared<ForeignKeys>(*keys->second);
  copy->erase(name);
  if (copy->empty()) {
    next.foreign_keys.erase(issuer);
  } else {
    next.foreign_keys[issuer] = std::move(copy);
  }
}

// Puts what `parsed` has into `to`.
template <typename Value, typename To>
absl::Status Take(absl::StatusOr<Value> parsed, To to) {
  if (!parsed.ok()) return parsed.status();
  to(*std::move(parsed));
  return absl::OkStatus();
}

}  // namespace

bool IsOperationsKind(RecordKind kind) { return kind >= RecordKind::kForeignKey; }

absl::Status PutOperationsRecord(Snapshot& next, const RecordKey& key, const Stored& stored) {
  switch (key.kind) {
    case RecordKind::kForeignKey:
      return PutForeignKey(next, key, stored);
    case RecordKind::kStoreIdentity:
      return Take(ParseStoreIdentity(stored),
                  [&](StoreIdentity value) { next.store_identity = std::move(value); });
    case RecordKind::kPartition:
      return Take(ParsePartition(stored, key.name), [&](PartitionMemory value) {
        next.partitions[key.name] = std::make_shared<const PartitionMemory>(std::move(value));
      });
    case RecordKind::kClock:
      return Take(ParseClock(stored), [&](ClockMemory value) { next.clock = std::move(value); });
    case RecordKind::kQuarantine:
      return Take(ParseQuarantinedObject(stored, key.name), [&](QuarantinedObject value) {
        next.quarantine[key.name] = std::make_shared<const QuarantinedObject>(std::move(value));
      });
    default:
      return absl::OkStatus();
  }
}

void DeleteOperationsRecord(Snapshot& next, const RecordKey& key) {
  switch (key.kind) {
    case RecordKind::kForeignKey:
      return DeleteForeignKey(next, key.name);
    case RecordKind::kStoreIdentity:
      next.store_identity = StoreIdentity{};
      return;
    case RecordKind::kPartition:
      next.partitions.erase(key.name);
      return;
    case RecordKind::kClock:
      next.clock = ClockMemory{};
      return;
    case RecordKind::kQuarantine:
      next.quarantine.erase(key.name);
      return;
    default:
      return;
  }
}

}  // namespace sealward::catalog
