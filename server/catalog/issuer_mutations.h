// Changes of issuers and foreign keys as store transactions, as in mutations.h.
#ifndef SEALWARD_SERVER_CATALOG_ISSUER_MUTATIONS_H_
#define SEALWARD_SERVER_CATALOG_ISSUER_MUTATIONS_H_

#include <memory>
#include <vector>

#include "server/catalog/snapshot.h"
#include "server/store/store.h"

namespace sealward::catalog {

// KeyReplacement is a key seen and what it is to be.
struct KeyReplacement {
  std::shared_ptr<const Key> seen;
  Key next;
};

// Another promise or size of an issuer seen, with all the changes that this makes to
// its keys. A key that does not change is compared all the same: what was decided holds
// for the keys as they were seen.
store::Transaction UpdateIssuer(const Issuer& seen, const Issuer& next,
                                const std::vector<KeyReplacement>& keys);

// A new foreign key of an issuer seen. The issuer is rewritten with it, so that two
// callers cannot both take its last place; if nothing of it was ever published, now
// something is.
store::Transaction CreateForeignKey(const Issuer& seen, const ForeignKey& key);

store::Transaction DeleteForeignKey(const ForeignKey& seen);

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_ISSUER_MUTATIONS_H_
