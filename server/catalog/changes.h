// From one snapshot to the next.
#ifndef SEALWARD_SERVER_CATALOG_CHANGES_H_
#define SEALWARD_SERVER_CATALOG_CHANGES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "server/catalog/snapshot.h"

namespace sealward::catalog {

// Change is what became of one store key; nullopt: deleted.
struct Change {
  std::optional<std::string> value;
  int64_t mod_revision = 0;
};

// The last change of each store key within some whole transactions.
using Changes = std::map<std::string, Change>;

// The snapshot after `changes`, at `revision`; shares with `base` what did not
// change. Pure. DATA_LOSS (RECORD_CORRUPT), naming the store key, for a record
// that does not parse or refers to what is not there. REQUIRES: only leaves
// are deleted (see DeletesOnlyLeaves).
absl::StatusOr<std::shared_ptr<const Snapshot>> ApplyChanges(const Snapshot& base,
                                                             const Changes& changes,
                                                             int64_t revision);

// Whether ApplyChanges can follow these changes, which delete only what nothing
// refers to (all but tenants, issuers, keys and versions); else everything is to be loaded
// afresh, onto an empty snapshot.
bool DeletesOnlyLeaves(const Changes& changes);

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_CHANGES_H_
