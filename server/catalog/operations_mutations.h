// Changes of operations.h's values as store transactions; rules as mutations.h.
#ifndef SEALWARD_SERVER_CATALOG_OPERATIONS_MUTATIONS_H_
#define SEALWARD_SERVER_CATALOG_OPERATIONS_MUTATIONS_H_

#include "server/catalog/operations.h"
#include "server/store/store.h"

namespace sealward::catalog {

// Each makes `transaction` write `next` in place of what was seen: its mod_revision
// is the condition (0: there was none).
void PutStoreIdentity(const StoreIdentity& next, store::Transaction& transaction);
void PutPartition(const PartitionMemory& next, store::Transaction& transaction);
void PutQuarantinedObject(const QuarantinedObject& next, store::Transaction& transaction);
// Takes the record of what was seen away.
void DeleteQuarantinedObject(const QuarantinedObject& seen, store::Transaction& transaction);

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_OPERATIONS_MUTATIONS_H_
