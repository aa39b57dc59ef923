#include "server/catalog/operations_mutations.h"

#include <optional>
#include <string>
#include <utility>

#include "server/catalog/layout.h"
#include "server/catalog/operations_records.h"

namespace sealward::catalog {
namespace {

void Replace(std::string store_key, int64_t seen, std::string value, store::Transaction& into) {
  into.compares.push_back({store_key, seen});
  into.operations.push_back({std::move(store_key), std::move(value)});
}

}  // namespace

void PutStoreIdentity(const StoreIdentity& next, store::Transaction& transaction) {
  Replace(StoreIdentityRecordKey(), next.mod_revision, SerializeStoreIdentity(next), transaction);
}

void PutPartition(const PartitionMemory& next, store::Transaction& transaction) {
  Replace(PartitionRecordKey(next.name), next.mod_revision, SerializePartition(next), transaction);
}

void PutQuarantinedObject(const QuarantinedObject& next, store::Transaction& transaction) {
  Replace(QuarantineRecordKey(next.name), next.mod_revision, SerializeQuarantinedObject(next),
          transaction);
}

void DeleteQuarantinedObject(const QuarantinedObject& seen, store::Transaction& transaction) {
  const std::string store_key = QuarantineRecordKey(seen.name);
  transaction.compares.push_back({store_key, seen.mod_revision});
  transaction.operations.push_back({store_key, std::nullopt});
}

}  // namespace sealward::catalog
