// The part of a new snapshot that says who may come in and what they may do.
#ifndef SEALWARD_SERVER_CATALOG_ACCESS_BUILDER_H_
#define SEALWARD_SERVER_CATALOG_ACCESS_BUILDER_H_

#include <string>

#include "absl/status/status.h"
#include "server/catalog/layout.h"
#include "server/catalog/records.h"
#include "server/catalog/snapshot.h"

namespace sealward::catalog {

// Whether records of `kind` are leaves that AccessBuilder handles: nothing
// refers to them, so they may be deleted.
bool IsAccessKind(RecordKind kind);

// AccessBuilder applies changes of bindings, trust domains, denied certificates,
// approvals and the approval policy. REQUIRES: IsAccessKind of every key.
class AccessBuilder {
 public:
  // `next` outlives the builder.
  explicit AccessBuilder(Snapshot* next) : next_(next) {}

  // DATA_LOSS (RECORD_CORRUPT). The record's tenant and key must be in `next`.
  absl::Status Put(const RecordKey& key, const Stored& stored);
  void Delete(const RecordKey& key);

 private:
  absl::Status PutBinding(const RecordKey& key, const Stored& stored);
  absl::Status PutApprovalPolicy(const Stored& stored);
  void DeleteBinding(const std::string& name);

  Snapshot* const next_;
};

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_ACCESS_BUILDER_H_
