// Changes of one key, as the services make and rehearse them.
#ifndef SEALWARD_SERVER_API_KEY_CHANGE_H_
#define SEALWARD_SERVER_API_KEY_CHANGE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/resource_name.h"
#include "server/api/caller.h"
#include "server/api/edge.h"
#include "server/catalog/snapshot.h"
#include "server/lifecycle/key_manager.h"

namespace sealward::api {

// KeyRequest is what every change of a key is asked with.
struct KeyRequest {
  const std::string& name;  // tenants/{tenant}/keys/{key}
  const std::string& etag;  // empty for whatever is there
  bool validate_only = false;
};

// Nothing beside the change itself.
inline void NoAmendment(store::Transaction&) {}

// What `decide` makes of the key: committed, or with validate_only made up, and then
// without etag. `decide` may be called several times and must have no effect.
// NOT_FOUND; ABORTED (ETAG_MISMATCH); the errors of `decide` and of
// KeyManager::ChangeKey. Blocks on the store.
absl::StatusOr<std::shared_ptr<const catalog::Key>> ChangeKey(
    const Edge& edge, lifecycle::KeyManager& manager, const Caller& caller,
    const KeyRequest& request, lifecycle::KeyManager::Decide decide,
    absl::FunctionRef<void(store::Transaction&)> amend = NoAmendment);

// The key as the planner sees it at `now`.
lifecycle::KeyCourse CourseIn(const catalog::Snapshot& snapshot, const catalog::Key& key,
                              absl::Time now);

// The index of a version by its number. NOT_FOUND.
absl::StatusOr<size_t> FindVersion(const catalog::Key& key, int64_t number);

// FAILED_PRECONDITION (VERSION_STATE): a version is not in a state that the change
// needs. `needed` says which, for example "STAGED, STANDBY or ACTIVE".
absl::Status WrongState(const catalog::Key& key, size_t index, absl::string_view change,
                        absl::string_view needed, absl::Time now);

// The lane of a call that may wait for the partition of a key's tenant, for a caller
// who may do `verb`; empty for others, whom a full lane would tell that the tenant
// exists.
std::string LaneOf(const catalog::Snapshot& snapshot, const Caller& caller,
                   const auth::Target& target, auth::Verb verb);

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_KEY_CHANGE_H_
