// The part of a new snapshot that operations.h describes.
#ifndef SEALWARD_SERVER_CATALOG_OPERATIONS_BUILDER_H_
#define SEALWARD_SERVER_CATALOG_OPERATIONS_BUILDER_H_

#include "absl/status/status.h"
#include "server/catalog/layout.h"
#include "server/catalog/records.h"
#include "server/catalog/snapshot.h"

namespace sealward::catalog {

// Whether records of `kind` are those of operations.h. Nothing refers to them, so
// they may be deleted.
bool IsOperationsKind(RecordKind kind);

// Applies a change to `next`. DATA_LOSS (RECORD_CORRUPT). REQUIRES:
// IsOperationsKind of the key.
absl::Status PutOperationsRecord(Snapshot& next, const RecordKey& key, const Stored& stored);
void DeleteOperationsRecord(Snapshot& next, const RecordKey& key);

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_OPERATIONS_BUILDER_H_
