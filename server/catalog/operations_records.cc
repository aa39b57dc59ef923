#include "server/catalog/operations_records.h"

#include "sealward/store/v1/records.pb.h"
#include "server/catalog/record_codec.h"

namespace sealward::catalog {
namespace {

namespace records = ::sealward::store::v1;

}  // namespace

std::string SerializeForeignKey(const ForeignKey& key) {
  records::ForeignKeyRecord record;
  *record.mutable_jwk() = key.jwk;
  record.set_expire_time_us(ToRecord(key.expire_time));
  record.set_create_time_us(ToRecord(key.create_time));
  record.set_description(key.description);
  return record.SerializeAsString();
}

absl::StatusOr<ForeignKey> ParseForeignKey(const Stored& stored, absl::string_view name) {
  const auto record = Decode<records::ForeignKeyRecord>(stored);
  if (!record.ok()) return record.status();
  if (record->jwk().kid().empty()) return CorruptRecord(stored.store_key, "it has no kid");
  if (record->expire_time_us() == 0) return CorruptRecord(stored.store_key, "it has no end");
  ForeignKey key;
  key.name = std::string(name);
  key.jwk = record->jwk();
  key.description = record->description();
  key.create_time = absl::FromUnixMicros(record->create_time_us());
  key.expire_time = absl::FromUnixMicros(record->expire_time_us());
  key.mod_revision = stored.mod_revision;
  return key;
}

std::string SerializeStoreIdentity(const StoreIdentity& identity) {
  records::StoreIdentityRecord record;
  record.set_lineage(identity.lineage);
  return record.SerializeAsString();
}

absl::StatusOr<StoreIdentity> ParseStoreIdentity(const Stored& stored) {
  const auto record = Decode<records::StoreIdentityRecord>(stored);
  if (!record.ok()) return record.status();
  if (record->lineage().size() != kLineageBytes) {
    return CorruptRecord(stored.store_key, "its lineage is not 16 bytes");
  }
  return StoreIdentity{record->lineage(), stored.mod_revision};
}

std::string SerializePartition(const PartitionMemory& partition) {
  records::PartitionRecord record;
  record.set_rolled_back_time_us(ToRecord(partition.rolled_back));
  record.set_rollback(partition.rollback);
  record.set_partition_lineage(partition.partition_lineage);
  record.set_known_epoch_revision(partition.known_epoch_revision);
  record.set_recover_time_us(
      partition.recovered == absl::InfinitePast() ? 0 : absl::ToUnixMicros(partition.recovered));
  return record.SerializeAsString();
}

absl::StatusOr<PartitionMemory> ParsePartition(const Stored& stored, absl::string_view name) {
  const auto record = Decode<records::PartitionRecord>(stored);
  if (!record.ok()) return record.status();
  PartitionMemory partition;
  partition.name = std::string(name);
  partition.rolled_back = FromRecord(record->rolled_back_time_us());
  partition.rollback = record->rollback();
  partition.partition_lineage = record->partition_lineage();
  partition.known_epoch_revision = record->known_epoch_revision();
  if (record->recover_time_us() != 0) {
    partition.recovered = absl::FromUnixMicros(record->recover_time_us());
  }
  partition.mod_revision = stored.mod_revision;
  return partition;
}

std::string SerializeClock(const ClockMemory& clock) {
  records::ClockRecord record;
  record.set_high_water_us(absl::ToUnixMicros(clock.high_water));
  record.set_boot_time_us(absl::ToInt64Microseconds(clock.boot_time));
  record.set_boot_id(clock.boot_id);
  record.set_frozen_time_us(ToRecord(clock.frozen));
  record.set_frozen_reason(clock.frozen_reason);
  record.set_waiting(clock.waiting);
  return record.SerializeAsString();
}

absl::StatusOr<ClockMemory> ParseClock(const Stored& stored) {
  const auto record = Decode<records::ClockRecord>(stored);
  if (!record.ok()) return record.status();
  if (record->high_water_us() <= 0) return CorruptRecord(stored.store_key, "it has no time");
  ClockMemory clock;
  clock.high_water = absl::FromUnixMicros(record->high_water_us());
  clock.boot_time = absl::Microseconds(record->boot_time_us());
  clock.boot_id = record->boot_id();
  clock.frozen = FromRecord(record->frozen_time_us());
  clock.frozen_reason = record->frozen_reason();
  clock.waiting = record->waiting();
  clock.mod_revision = stored.mod_revision;
  return clock;
}

std::string SerializeQuarantinedObject(const QuarantinedObject& object) {
  records::QuarantineRecord record;
  record.set_key(object.key);
  record.set_raw(object.raw);
  record.set_purger(object.purger);
  record.set_schedule_time_us(ToRecord(object.schedule_time));
  record.set_destroy_due_time_us(ToRecord(object.destroy_due));
  record.set_destroy_marked(object.destroy_marked);
  return record.SerializeAsString();
}

absl::StatusOr<QuarantinedObject> ParseQuarantinedObject(const Stored& stored,
                                                         absl::string_view name) {
  const auto record = Decode<records::QuarantineRecord>(stored);
  if (!record.ok()) return record.status();
  QuarantinedObject object;
  object.name = std::string(name);
  object.key = record->key();
  object.raw = record->raw();
  object.purger = record->purger();
  object.schedule_time = absl::FromUnixMicros(record->schedule_time_us());
  object.destroy_due = FromRecord(record->destroy_due_time_us());
  object.destroy_marked = record->destroy_marked();
  object.mod_revision = stored.mod_revision;
  return object;
}

}  // namespace sealward::catalog
