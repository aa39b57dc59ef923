// LifecycleService: interventions in single versions that can be taken back.
#include <array>
#include <string>
#include <utility>

#include "common/base64url.h"
#include "common/errors.h"
#include "common/resource_name.h"
#include "server/api/approval_gate.h"
#include "server/api/conversion.h"
#include "server/api/etag.h"
#include "server/api/key_change.h"
#include "server/api/lifecycle_service.h"
#include "server/catalog/mutations.h"
#include "server/catalog/records.h"
#include "server/lifecycle/intervene.h"

namespace sealward::api {
namespace {

using KeyPtr = std::shared_ptr<const catalog::Key>;
using lifecycle::KeyCourse;
using lifecycle::VersionTimes;

// The version's name, for a caller who may do `verb` with it.
template <typename Request>
absl::StatusOr<KeyVersionName> Authorized(const Edge& edge, const Caller& caller,
                                          const Request& request, auth::Verb verb) {
  auto name = KeyVersionName::Parse(request.name());
  if (!name.ok()) return name.status();
  const std::string tenant = name->key.Parent();
  const std::string key = name->key.ToString();
  if (absl::Status s =
          caller.Authorize(*edge.catalog->Get(), auth::Target{tenant, key}, verb, request.name());
      !s.ok()) {
    return s;
  }
  return name;
}

// One version's change: whether it may be done, and what the versions are then.
struct VersionChange {
  absl::string_view what;  // "SuspendKeyVersion"
  absl::string_view needed;
  bool (*can)(const VersionTimes& times, absl::Time now);
  std::vector<VersionTimes> (*change)(const KeyCourse& course, size_t index, absl::Time now);
};

bool CanSuspendOrIs(const VersionTimes& times, absl::Time now) {
  return lifecycle::CanSuspend(times, now) ||
         lifecycle::StateAt(times, now) == lifecycle::State::kSuspended;
}

// Asked again, which makes sure that every process has forgotten it.
std::vector<VersionTimes> SuspendOnce(const KeyCourse& course, size_t index, absl::Time now) {
  if (!lifecycle::CanSuspend(course.versions[index], now)) return course.versions;
  return lifecycle::Suspend(course, index, now);
}

constexpr VersionChange kSuspend = {"SuspendKeyVersion", "STAGED, STANDBY or ACTIVE",
                                    CanSuspendOrIs, SuspendOnce};
constexpr VersionChange kEnable = {"EnableKeyVersion", "SUSPENDED",
                                   [](const VersionTimes& times, absl::Time now) {
                                     return lifecycle::StateAt(times, now) ==
                                            lifecycle::State::kSuspended;
                                   },
                                   [](const KeyCourse& course, size_t index, absl::Time) {
                                     return lifecycle::Enable(course, index);
                                   }};
constexpr VersionChange kDestroy = {"DestroyKeyVersion",
                                    "WITHDRAWN or REVOKED, with no destruction scheduled",
                                    lifecycle::CanScheduleDestroy, lifecycle::ScheduleDestroy};
constexpr VersionChange kCancelDestroy = {
    "CancelDestroyKeyVersion", "a scheduled destruction whose recovery window is not over",
    lifecycle::CanCancelDestroy, lifecycle::CancelDestroy};

// The key after `change` of its version `number`.
absl::StatusOr<catalog::Key> Apply(const VersionChange& change, const catalog::Key& seen,
                                   const KeyCourse& course, int64_t number, absl::Time now) {
  const auto index = FindVersion(seen, number);
  if (!index.ok()) return index.status();
  if (!change.can(course.versions[*index], now)) {
    return WrongState(seen, *index, change.what, change.needed, now);
  }
  return catalog::WithTimes(seen, change.change(course, *index, now));
}

// What stays the same while nothing happens to the version itself, though its key
// rotates.
std::string VersionEtag(const catalog::KeyVersion& version) {
  return Base64UrlEncode(Digest({"version", catalog::SerializeVersion(version)}));
}

absl::StatusOr<v1::KeyVersion> MessageOf(const catalog::Key& key, int64_t number, absl::Time now) {
  const auto index = FindVersion(key, number);
  if (!index.ok()) return index.status();
  return ToMessage(key, *key.versions[*index], now);
}

}  // namespace

absl::StatusOr<v1::KeyVersion> LifecycleService::Suspend(
    const Caller& caller, const v1::SuspendKeyVersionRequest& request) const {
  const auto name = Authorized(edge_, caller, request, auth::Verb::kSuspendVersion);
  if (!name.ok()) return name.status();
  const auto key = ChangeKey(
      edge_, *manager_, caller, {name->key.ToString(), request.etag(), request.validate_only()},
      [&](const catalog::Key& seen, const KeyCourse& course, absl::Time now) {
        return Apply(kSuspend, seen, course, name->version, now);
      });
  if (!key.ok()) return key.status();
  if (!request.validate_only()) {
    const std::array versions = {*FindVersion(**key, name->version)};
    if (absl::Status s = manager_->ForgetVersions(**key, versions, caller.deadline()); !s.ok()) {
      return s;
    }
  }
  return MessageOf(**key, name->version, edge_.Now());
}

absl::StatusOr<v1::KeyVersion> LifecycleService::Enable(
    const Caller& caller, const v1::EnableKeyVersionRequest& request) const {
  const auto name = Authorized(edge_, caller, request, auth::Verb::kSuspendVersion);
  if (!name.ok()) return name.status();
  const auto key =
      ChangeKey(edge_, *manager_, caller, {name->key.ToString(), request.etag()},
                [&](const catalog::Key& seen, const KeyCourse& course, absl::Time now) {
                  return Apply(kEnable, seen, course, name->version, now);
                });
  if (!key.ok()) return key.status();
  return MessageOf(**key, name->version, edge_.Now());
}

absl::StatusOr<v1::KeyVersion> LifecycleService::Destroy(
    const Caller& caller, const v1::DestroyKeyVersionRequest& request) const {
  const auto name = Authorized(edge_, caller, request, auth::Verb::kDestroyVersion);
  if (!name.ok()) return name.status();
  const std::string key_name = name->key.ToString();
  const auto decide = [&](const catalog::Key& seen, const KeyCourse& course, absl::Time now) {
    return Apply(kDestroy, seen, course, name->version, now);
  };
  // Refused before a second person is asked.
  const auto snapshot = edge_.catalog->Get();
  const auto found = snapshot->keys.find(key_name);
  if (found == snapshot->keys.end()) return ResourceNotFound(request.name());
  const catalog::Key& seen = *found->second;
  if (!EtagFits(request.etag(), seen)) return EtagMismatch(key_name);
  const absl::Time now = edge_.Now();
  const auto preview = decide(seen, CourseIn(*snapshot, seen, now), now);
  if (!preview.ok()) return preview.status();
  if (request.validate_only()) {
    caller.NothingIsDone();
    return MessageOf(*preview, name->version, now);
  }
  v1::DestroyKeyVersionRequest resolved;
  resolved.set_name(request.name());
  const std::string etag = VersionEtag(*seen.versions[*FindVersion(seen, name->version)]);
  const auto permit =
      Guard(edge_, caller, *snapshot,
            {"sealward.v1.LifecycleService/DestroyKeyVersion", request.name(), etag,
             auth::Target{name->key.Parent(), key_name}, auth::Verb::kDestroyVersion, resolved});
  if (!permit.ok()) return permit.status();
  const auto key =
      ChangeKey(edge_, *manager_, caller, {key_name, request.etag()}, decide,
                [&permit](store::Transaction& transaction) { permit->AddTo(transaction); });
  if (!key.ok()) return key.status();
  return MessageOf(**key, name->version, edge_.Now());
}

absl::StatusOr<v1::KeyVersion> LifecycleService::CancelDestroy(
    const Caller& caller, const v1::CancelDestroyKeyVersionRequest& request) const {
  const auto name = Authorized(edge_, caller, request, auth::Verb::kCancelDestroyVersion);
  if (!name.ok()) return name.status();
  const auto key =
      ChangeKey(edge_, *manager_, caller, {name->key.ToString(), request.etag()},
                [&](const catalog::Key& seen, const KeyCourse& course, absl::Time now) {
                  return Apply(kCancelDestroy, seen, course, name->version, now);
                });
  if (!key.ok()) return key.status();
  return MessageOf(**key, name->version, edge_.Now());
}

}  // namespace sealward::api
