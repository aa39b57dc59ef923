// The part of a new snapshot that says who may come in and what they may do.
#ifndef SEALWARD_SERVER_CATALOG_ACCESS_BUILDER_H_
#define SEALWARD_SERVER_CATALOG_ACCESS_BUILDER_H_

#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
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
  // `base` is what `next` was copied from; both outlive the builder.
  AccessBuilder(const Snapshot& base, Snapshot* next) : base_(base), next_(next) {}

  // DATA_LOSS (RECORD_CORRUPT). The record's tenant and key must be in `next`.
  absl::Status Put(const RecordKey& key, const Stored& stored);
  void Delete(const RecordKey& key);

 private:
  absl::Status PutBinding(const RecordKey& key, const Stored& stored);
  absl::Status PutApprovalPolicy(const Stored& stored);
  void DeleteBinding(const std::string& name);
  // Which principal has the binding; empty where there is no such binding.
  const std::string& PrincipalOf(const std::string& binding_name);

  const Snapshot& base_;
  Snapshot* const next_;
  std::optional<absl::flat_hash_map<std::string, std::string>> principals_;
};

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_ACCESS_BUILDER_H_
