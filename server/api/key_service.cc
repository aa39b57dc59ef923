#include "server/api/key_service.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/resource_name.h"
#include "server/api/answer.h"
#include "server/api/conversion.h"
#include "server/api/etag.h"
#include "server/api/key_change.h"
#include "server/api/key_rules.h"
#include "server/api/paging.h"
#include "server/api/policy_rules.h"
#include "server/api/resource_rules.h"
#include "server/lifecycle/jwks_full.h"

namespace sealward::api {
namespace {

using KeyPtr = std::shared_ptr<const catalog::Key>;

// The key of that name, for a caller who may know.
absl::StatusOr<KeyPtr> FindKey(const catalog::Snapshot& snapshot, const std::string& name) {
  const auto found = snapshot.keys.find(name);
  if (found == snapshot.keys.end()) return ResourceNotFound(name);
  return found->second;
}

v1::RotateKeyResponse RotationMessage(const lifecycle::Rotation& rotation, absl::Time now) {
  v1::RotateKeyResponse response;
  const catalog::Key& key = *rotation.key;
  *response.mutable_key() = ToMessage(key, now);
  if (rotation.predecessor) {
    *response.mutable_predecessor() = ToMessage(key, *key.versions[*rotation.predecessor], now);
  }
  *response.mutable_successor() = ToMessage(key, *key.versions[rotation.successor], now);
  *response.mutable_switch_time() = ToTimestamp(rotation.at);
  response.set_already_planned(rotation.already_planned);
  return response;
}

// FAILED_PRECONDITION (JWKS_FULL) where a rotation would have to publish one more key
// than validators take.
absl::Status CheckRoom(const catalog::Snapshot& snapshot, const catalog::Key& key, absl::Time now) {
  const lifecycle::KeyCourse course = CourseIn(snapshot, key, now);
  const bool has_successor =
      lifecycle::PlanRotation(course, now).has_value() ||
      std::ranges::any_of(key.versions, [now](const auto& version) {
        return version->spki.empty() && lifecycle::CanFollow(version->times, now);
      });
  if (has_successor || course.jwks_room > 0) return absl::OkStatus();
  return lifecycle::JwksFull(absl::StrCat(key.name, " cannot get a successor"), *key.issuer);
}

// The issuer whose promise the new key's policy has to fit; null if it does not exist.
std::shared_ptr<const catalog::Issuer> IssuerOf(const catalog::Snapshot& snapshot,
                                                const lifecycle::NewKey& key) {
  if (key.purpose == v1::KEY_PURPOSE_RAW) return lifecycle::ToKey(snapshot, key).issuer;
  const auto found = snapshot.issuers.find(key.issuer);
  return found == snapshot.issuers.end() ? nullptr : found->second;
}

}  // namespace

grpc::ServerUnaryReactor* KeyService::CreateKey(grpc::CallbackServerContext* context,
                                                const v1::CreateKeyRequest* request,
                                                v1::Key* response) {
  return AnswerInLane(
      edge_, context, request, response,
      [this, request](const Caller& caller) { return Create(caller, *request); },
      [this, request](const Caller& caller) {
        return LaneOf(*edge_.catalog->Get(), caller, auth::Target{request->parent()},
                      auth::Verb::kCreateKey);
      });
}

grpc::ServerUnaryReactor* KeyService::GetKey(grpc::CallbackServerContext* context,
                                             const v1::GetKeyRequest* request, v1::Key* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) { return Get(caller, *request); });
}

grpc::ServerUnaryReactor* KeyService::ListKeys(grpc::CallbackServerContext* context,
                                               const v1::ListKeysRequest* request,
                                               v1::ListKeysResponse* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) { return List(caller, *request); });
}

grpc::ServerUnaryReactor* KeyService::RotateKey(grpc::CallbackServerContext* context,
                                                const v1::RotateKeyRequest* request,
                                                v1::RotateKeyResponse* response) {
  return AnswerInLane(
      edge_, context, request, response,
      [this, request](const Caller& caller) { return Rotate(caller, *request); },
      [this, request](const Caller& caller) -> std::string {
        const auto name = KeyName::Parse(request->name());
        if (!name.ok()) return "";
        return LaneOf(*edge_.catalog->Get(), caller, auth::Target{name->Parent(), request->name()},
                      auth::Verb::kRotateKey);
      });
}

grpc::ServerUnaryReactor* KeyService::UpdateKey(grpc::CallbackServerContext* context,
                                                const v1::UpdateKeyRequest* request,
                                                v1::Key* response) {
  return AnswerLater(edge_, context, request, response,
                     [this, request](const Caller& caller) { return Update(caller, *request); });
}

grpc::ServerUnaryReactor* KeyService::GetKeyVersion(grpc::CallbackServerContext* context,
                                                    const v1::GetKeyVersionRequest* request,
                                                    v1::KeyVersion* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) { return GetVersion(caller, *request); });
}

grpc::ServerUnaryReactor* KeyService::ListKeyVersions(grpc::CallbackServerContext* context,
                                                      const v1::ListKeyVersionsRequest* request,
                                                      v1::ListKeyVersionsResponse* response) {
  return AnswerNow(edge_, context, response, [this, request](const Caller& caller) {
    return ListVersions(caller, *request);
  });
}

// What CreateKey would answer, without the version that it would generate.
v1::Key KeyService::Preview(const catalog::Snapshot& snapshot, const lifecycle::NewKey& key) const {
  catalog::Key preview = lifecycle::ToKey(snapshot, key);
  preview.create_time = edge_.Now();
  return ToMessage(preview, edge_.Now());
}

absl::StatusOr<v1::Key> KeyService::Create(const Caller& caller,
                                           const v1::CreateKeyRequest& request) const {
  if (const auto parent = TenantName::Parse(request.parent()); !parent.ok()) {
    return parent.status();
  }
  const auto snapshot = edge_.catalog->Get();
  const std::string name = absl::StrCat(request.parent(), "/keys/", request.key_id());
  if (absl::Status s =
          caller.Authorize(*snapshot, auth::Target{request.parent()}, auth::Verb::kCreateKey, name);
      !s.ok()) {
    return s;
  }
  if (absl::Status s = CheckResourceId("key_id", request.key_id()); !s.ok()) return s;
  const auto key = ParseNewKey(request.parent(), name, request.key());
  if (!key.ok()) return key.status();
  if (!snapshot->tenants.contains(request.parent())) return ResourceNotFound(request.parent());
  if (const auto issuer = IssuerOf(*snapshot, *key)) {
    const PolicyFrame frame{*issuer, name, key->max_jwt_lifetime};
    if (absl::Status s = CheckRotationPolicy(*snapshot, frame, key->rotation_policy, edge_.Now());
        !s.ok()) {
      return s;
    }
  }
  if (request.validate_only()) {
    caller.NothingIsDone();
    if (absl::Status s = manager_->CheckCreateKey(*key); !s.ok()) return s;
    return Preview(*edge_.catalog->Get(), *key);
  }
  if (const auto found = snapshot->keys.find(name);
      found != snapshot->keys.end() && caller.MadeBefore(found->second->create_time)) {
    return ToMessage(*found->second, edge_.Now());
  }
  const auto created = manager_->CreateKey(*key, caller.deadline());
  if (!created.ok()) return created.status();
  return ToMessage(**created, edge_.Now());
}

absl::StatusOr<v1::Key> KeyService::Get(const Caller& caller,
                                        const v1::GetKeyRequest& request) const {
  const auto name = KeyName::Parse(request.name());
  if (!name.ok()) return name.status();
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{name->Parent(), request.name()},
                                        auth::Verb::kReadKey, request.name());
      !s.ok()) {
    return s;
  }
  const auto key = FindKey(*snapshot, request.name());
  if (!key.ok()) return key.status();
  return ToMessage(**key, edge_.Now());
}

absl::StatusOr<v1::ListKeysResponse> KeyService::List(const Caller& caller,
                                                      const v1::ListKeysRequest& request) const {
  if (const auto parent = TenantName::Parse(request.parent()); !parent.ok()) {
    return parent.status();
  }
  const auto snapshot = edge_.catalog->Get();
  const std::string collection = absl::StrCat(request.parent(), "/keys");
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{request.parent()},
                                        auth::Verb::kReadKey, collection);
      !s.ok()) {
    return s;
  }
  const auto page = ParsePageRequest(collection, request.page_size(), request.page_token());
  if (!page.ok()) return page.status();
  if (!snapshot->tenants.contains(request.parent())) return ResourceNotFound(request.parent());
  const auto taken = TakePage(ChildrenOf(snapshot->keys, collection), collection, *page);
  v1::ListKeysResponse response;
  for (const auto& key : taken.items) *response.add_keys() = ToMessage(*key, edge_.Now());
  response.set_next_page_token(taken.next_page_token);
  return response;
}

absl::StatusOr<v1::RotateKeyResponse> KeyService::Rotate(
    const Caller& caller, const v1::RotateKeyRequest& request) const {
  const auto name = KeyName::Parse(request.name());
  if (!name.ok()) return name.status();
  if (absl::Status s =
          caller.Authorize(*edge_.catalog->Get(), auth::Target{name->Parent(), request.name()},
                           auth::Verb::kRotateKey, request.name());
      !s.ok()) {
    return s;
  }
  const auto unchanged = [&request](const catalog::Key& key) {
    return EtagFits(request.etag(), key);
  };
  const auto snapshot = edge_.catalog->Get();
  if (const auto key = snapshot->keys.find(request.name()); key != snapshot->keys.end()) {
    if (!unchanged(*key->second)) return EtagMismatch(request.name());
    if (absl::Status s = CheckRoom(*snapshot, *key->second, edge_.Now()); !s.ok()) return s;
  }
  if (request.validate_only()) {
    caller.NothingIsDone();
    const auto preview = manager_->PreviewRotation(request.name(), unchanged);
    if (!preview.ok()) return preview.status();
    return RotationMessage(*preview, edge_.Now());
  }
  const auto rotation = manager_->RotateKey(request.name(), unchanged, caller.deadline());
  if (!rotation.ok()) return rotation.status();
  return RotationMessage(*rotation, edge_.Now());
}

absl::StatusOr<v1::KeyVersion> KeyService::GetVersion(
    const Caller& caller, const v1::GetKeyVersionRequest& request) const {
  const auto name = KeyVersionName::Parse(request.name());
  if (!name.ok()) return name.status();
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s =
          caller.Authorize(*snapshot, auth::Target{name->key.Parent(), name->key.ToString()},
                           auth::Verb::kReadKey, request.name());
      !s.ok()) {
    return s;
  }
  const auto key = FindKey(*snapshot, name->key.ToString());
  if (!key.ok()) return ResourceNotFound(request.name());
  for (const auto& version : (*key)->versions) {
    if (version->number == name->version) return ToMessage(**key, *version, edge_.Now());
  }
  return ResourceNotFound(request.name());
}

absl::StatusOr<v1::ListKeyVersionsResponse> KeyService::ListVersions(
    const Caller& caller, const v1::ListKeyVersionsRequest& request) const {
  const auto name = KeyName::Parse(request.parent());
  if (!name.ok()) return name.status();
  const auto snapshot = edge_.catalog->Get();
  const std::string collection = absl::StrCat(request.parent(), "/versions");
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{name->Parent(), request.parent()},
                                        auth::Verb::kReadKey, collection);
      !s.ok()) {
    return s;
  }
  const auto page = ParsePageRequest(collection, request.page_size(), request.page_token());
  if (!page.ok()) return page.status();
  const auto key = FindKey(*snapshot, request.parent());
  if (!key.ok()) return key.status();
  int64_t before = (*key)->last_version + 1;
  // Only our own tokens come here, and those hold a number.
  if (!page->after.empty() && !absl::SimpleAtoi(page->after, &before)) before = 0;
  v1::ListKeyVersionsResponse response;
  const auto& versions = (*key)->versions;
  for (auto it = versions.rbegin(); it != versions.rend(); ++it) {
    if ((*it)->number >= before) continue;
    if (static_cast<size_t>(response.key_versions_size()) == page->size) {
      response.set_next_page_token(PageToken(collection, absl::StrCat((*std::prev(it))->number)));
      break;
    }
    *response.add_key_versions() = ToMessage(**key, **it, edge_.Now());
  }
  return response;
}

}  // namespace sealward::api
