// The values of operations.h as records.
#ifndef SEALWARD_SERVER_CATALOG_OPERATIONS_RECORDS_H_
#define SEALWARD_SERVER_CATALOG_OPERATIONS_RECORDS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/catalog/operations.h"
#include "server/catalog/records.h"

namespace sealward::catalog {

// Names and revisions are not part of a record: they are its store key's. Errors of
// every Parse: DATA_LOSS (RECORD_CORRUPT).
std::string SerializeForeignKey(const ForeignKey& key);
absl::StatusOr<ForeignKey> ParseForeignKey(const Stored& stored, absl::string_view name);

std::string SerializeStoreIdentity(const StoreIdentity& identity);
absl::StatusOr<StoreIdentity> ParseStoreIdentity(const Stored& stored);

std::string SerializePartition(const PartitionMemory& partition);
absl::StatusOr<PartitionMemory> ParsePartition(const Stored& stored, absl::string_view name);

std::string SerializeClock(const ClockMemory& clock);
absl::StatusOr<ClockMemory> ParseClock(const Stored& stored);

std::string SerializeQuarantinedObject(const QuarantinedObject& object);
absl::StatusOr<QuarantinedObject> ParseQuarantinedObject(const Stored& stored,
                                                         absl::string_view name);

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_OPERATIONS_RECORDS_H_
