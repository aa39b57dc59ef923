#include "server/api/key_change.h"

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/api/etag.h"
#include "server/hsm_client/partitions.h"
#include "server/lifecycle/state.h"

namespace sealward::api {

lifecycle::KeyCourse CourseIn(const catalog::Snapshot& snapshot, const catalog::Key& key,
                              absl::Time now) {
  return catalog::CourseOf(key, catalog::RoomOf(snapshot, key, now));
}

absl::StatusOr<std::shared_ptr<const catalog::Key>> ChangeKey(
    const Edge& edge, lifecycle::KeyManager& manager, const Caller& caller,
    const KeyRequest& request, lifecycle::KeyManager::Decide decide,
    absl::FunctionRef<void(store::Transaction&)> amend) {
  const auto unchanged = [&request](const catalog::Key& key) {
    return EtagFits(request.etag, key);
  };
  if (!request.validate_only) {
    return manager.ChangeKey(request.name, unchanged, decide, caller.deadline(), amend);
  }
  caller.NothingIsDone();
  const auto snapshot = edge.catalog->Get();
  const auto found = snapshot->keys.find(request.name);
  if (found == snapshot->keys.end()) return ResourceNotFound(request.name);
  if (!unchanged(*found->second)) return EtagMismatch(request.name);
  const absl::Time now = edge.Now();
  auto next = decide(*found->second, CourseIn(*snapshot, *found->second, now), now);
  if (!next.ok()) return next.status();
  next->mod_revision = 0;
  return std::make_shared<const catalog::Key>(*std::move(next));
}

absl::StatusOr<size_t> FindVersion(const catalog::Key& key, int64_t number) {
  for (size_t i = 0; i < key.versions.size(); ++i) {
    if (key.versions[i]->number == number) return i;
  }
  return ResourceNotFound(absl::StrCat(key.name, "/versions/", number));
}

absl::Status WrongState(const catalog::Key& key, size_t index, absl::string_view change,
                        absl::string_view needed, absl::Time now) {
  const catalog::KeyVersion& version = *key.versions[index];
  return MakeError(absl::StatusCode::kFailedPrecondition, "VERSION_STATE",
                   absl::StrCat(key.name, "/versions/", version.number, " is ",
                                lifecycle::StateName(lifecycle::StateAt(version.times, now)), ": ",
                                change, " needs ", needed));
}

std::string LaneOf(const catalog::Snapshot& snapshot, const Caller& caller,
                   const auth::Target& target, auth::Verb verb) {
  if (!auth::Decide(snapshot, caller.principal(), target, verb).allowed) return "";
  const auto tenant = snapshot.tenants.find(target.tenant);
  if (tenant == snapshot.tenants.end()) return "";
  return std::string(hsm_client::PartitionName(tenant->second->partition));
}

}  // namespace sealward::api
