#include "server/api/key_service.h"

#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "server/api/answer.h"
#include "server/api/conversion.h"
#include "server/api/etag.h"
#include "server/api/key_rules.h"
#include "server/api/paging.h"
#include "server/api/quota_rules.h"
#include "server/api/resource_rules.h"
#include "server/api/update_mask.h"
#include "server/catalog/mutations.h"
#include "server/hsm_client/partitions.h"

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

// The partition that a change may wait for. None for a caller who may not do it:
// a lane that is full must not tell them that the tenant exists.
std::string LaneOf(const catalog::Snapshot& snapshot, const Caller& caller,
                   const auth::Target& target, auth::Verb verb) {
  if (!auth::Decide(snapshot, caller.principal(), target, verb).allowed) return "";
  const auto tenant = snapshot.tenants.find(target.tenant);
  if (tenant == snapshot.tenants.end()) return "";
  return std::string(hsm_client::PartitionName(tenant->second->partition));
}

}  // namespace

grpc::ServerUnaryReactor* KeyService::CreateKey(grpc::CallbackServerContext* context,
                                                const v1::CreateKeyRequest* request,
                                                v1::Key* response) {
  return AnswerInLane(
      edge_, context, response,
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
      edge_, context, response,
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
  return AnswerLater(edge_, context, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return Update(caller, *request); });
  });
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
  catalog::Key preview;
  preview.name = key.name;
  preview.purpose = key.purpose;
  preview.issuer = snapshot.issuers.at(key.issuer);
  preview.audiences = key.audiences;
  preview.typs = key.typs;
  preview.max_jwt_lifetime = key.max_jwt_lifetime;
  preview.claim_rules = key.claim_rules;
  preview.algorithm = key.algorithm;
  preview.quota = key.quota;
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
  if (request.validate_only()) {
    caller.NothingIsDone();
    if (absl::Status s = manager_->CheckCreateKey(*key); !s.ok()) return s;
    return Preview(*edge_.catalog->Get(), *key);
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

// Holds no lease on the key: a rotation compares the key record's revision as
// this does, so whichever commits second decides again on what the first wrote.
absl::StatusOr<v1::Key> KeyService::Update(const Caller& caller,
                                           const v1::UpdateKeyRequest& request) const {
  const v1::Key& asked = request.key();
  const auto name = KeyName::Parse(asked.name());
  if (!name.ok()) return name.status();
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{name->Parent(), asked.name()},
                                        auth::Verb::kUpdateKey, asked.name());
      !s.ok()) {
    return s;
  }
  const auto fields = ParseUpdateMask(request.update_mask(), {"quota"});
  if (!fields.ok()) return fields.status();
  const auto seen = FindKey(*snapshot, asked.name());
  if (!seen.ok()) return seen.status();
  if (!EtagFits(asked.etag(), **seen)) return EtagMismatch(asked.name());
  catalog::Key next = **seen;
  if (fields->contains("quota")) {
    const auto quota = ParseQuotaOf("key.quota", asked);
    if (!quota.ok()) return quota.status();
    next.quota = *quota;
  }
  if (request.validate_only()) {
    caller.NothingIsDone();
  } else {
    const auto revision = edge_.Commit(catalog::UpdateKey(**seen, next));
    if (!revision.ok()) return revision.status();
    next.mod_revision = *revision;
  }
  return ToMessage(next, edge_.Now());
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
