// Changes of the catalog as store transactions. Each carries the conditions
// under which it is still right, so that of two callers who decided on the same
// snapshot one gets ABORTED and decides again. Nothing here writes: hand the
// transaction to Catalog::Commit.
//
// Structs that a function takes as "seen" are those of a snapshot; new ones are
// complete but for mod_revision. REQUIRES everywhere: valid resource names, and
// values within the limits of the API.
#ifndef SEALWARD_SERVER_CATALOG_MUTATIONS_H_
#define SEALWARD_SERVER_CATALOG_MUTATIONS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "server/catalog/snapshot.h"
#include "server/lifecycle/plan.h"
#include "server/store/store.h"

namespace sealward::catalog {

// A new tenant.
store::Transaction CreateTenant(const Tenant& tenant);

// A new issuer of a tenant seen; claims its URL.
store::Transaction CreateIssuer(const Tenant& seen, const Issuer& issuer);

// A new key with its first version, PENDING: key.issuer is the issuer seen,
// key.last_version is 1. An issuer that is not shared is rewritten with it, so
// that two callers cannot both give it its one key.
store::Transaction CreateKey(const Key& key, const KeyVersion& first);

// The intent to generate another version: PENDING, with the number
// seen.last_version + 1.
store::Transaction AddVersion(const Key& seen, const KeyVersion& version);

// A version whose key pair has come to be: spki, jwk and times are set. The
// issuer's first_publish_time is set with the first one.
store::Transaction CompleteVersion(const Key& seen, const KeyVersion& version);

// Other times of a key's versions, index for index; `next` is the key seen with what
// else changes about it (pause, policy, revoker of a version …). Writes the versions
// that differ, and the key.
store::Transaction ReplaceVersions(const Key& seen, const Key& next);

// `key` with other times, index for index. REQUIRES: as many as it has versions.
Key WithTimes(const Key& key, const std::vector<lifecycle::VersionTimes>& times);

// Another display name or quota of a tenant seen. Its keys' records stay as they
// are.
store::Transaction UpdateTenant(const Tenant& seen, const Tenant& next);

// Another quota of a key seen.
store::Transaction UpdateKey(const Key& seen, const Key& next);

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_MUTATIONS_H_
