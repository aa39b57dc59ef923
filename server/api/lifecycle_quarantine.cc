// LifecycleService: objects that no version owns.
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "common/resource_name.h"
#include "server/api/answer.h"
#include "server/api/approval_gate.h"
#include "server/api/conversion.h"
#include "server/api/etag.h"
#include "server/api/key_change.h"
#include "server/api/lifecycle_service.h"
#include "server/api/paging.h"

namespace sealward::api {
namespace {

using lifecycle::Quarantined;

v1::QuarantinedObject ToMessage(const Quarantined& object) {
  v1::QuarantinedObject message;
  message.set_name(object.name);
  message.set_key(object.key);
  message.set_kid(object.jwk.kid());
  message.set_adoptable(object.adoptable.ok());
  if (object.destroy_due != absl::InfiniteFuture()) {
    *message.mutable_destroy_due_time() = ToTimestamp(object.destroy_due);
  }
  return message;
}

// What a second person approves: this key pair with this label, not just a name.
std::string EtagOf(const Quarantined& object) {
  return Base64UrlEncode(Digest({"quarantined", object.name, object.key, object.spki}));
}

// The partition that the call may wait for, for a caller who may make it.
std::string LaneOfQuarantine(const Edge& edge, const Caller& caller, auth::Verb verb,
                             absl::StatusOr<std::string> partition) {
  if (!partition.ok()) return "";
  const auto snapshot = edge.catalog->Get();
  return auth::Decide(*snapshot, caller.principal(), auth::Target{}, verb).allowed
             ? *std::move(partition)
             : "";
}

absl::StatusOr<std::string> PartitionOf(const std::string& object) {
  auto name = QuarantinedObjectName::Parse(object);
  if (!name.ok()) return name.status();
  return std::move(name->partition);
}

absl::StatusOr<std::string> PartitionOfParent(const std::string& parent) {
  auto name = PartitionResourceName::Parse(parent);
  if (!name.ok()) return name.status();
  return std::move(name->partition);
}

absl::Status Authorize(const Edge& edge, const Caller& caller, auth::Verb verb,
                       const std::string& resource) {
  return caller.Authorize(*edge.catalog->Get(), auth::Target{}, verb, resource);
}

}  // namespace

grpc::ServerUnaryReactor* LifecycleService::ListQuarantinedObjects(
    grpc::CallbackServerContext* context, const v1::ListQuarantinedObjectsRequest* request,
    v1::ListQuarantinedObjectsResponse* response) {
  return AnswerInLane(
      edge_, context, request, response,
      [this, request](const Caller& caller) { return ListQuarantine(caller, *request); },
      [this, request](const Caller& caller) {
        return LaneOfQuarantine(edge_, caller, auth::Verb::kReadQuarantine,
                                PartitionOfParent(request->parent()));
      });
}

grpc::ServerUnaryReactor* LifecycleService::AdoptQuarantinedObject(
    grpc::CallbackServerContext* context, const v1::AdoptQuarantinedObjectRequest* request,
    v1::KeyVersion* response) {
  return AnswerInLane(
      edge_, context, request, response,
      [this, request](const Caller& caller) {
        return DecideAgain([&] { return Adopt(caller, *request); });
      },
      [this, request](const Caller& caller) {
        return LaneOfQuarantine(edge_, caller, auth::Verb::kManageQuarantine,
                                PartitionOf(request->name()));
      });
}

grpc::ServerUnaryReactor* LifecycleService::PurgeQuarantinedObject(
    grpc::CallbackServerContext* context, const v1::PurgeQuarantinedObjectRequest* request,
    v1::QuarantinedObject* response) {
  return AnswerInLane(
      edge_, context, request, response,
      [this, request](const Caller& caller) {
        return DecideAgain([&] { return Purge(caller, *request); });
      },
      [this, request](const Caller& caller) {
        return LaneOfQuarantine(edge_, caller, auth::Verb::kManageQuarantine,
                                PartitionOf(request->name()));
      });
}

absl::StatusOr<v1::ListQuarantinedObjectsResponse> LifecycleService::ListQuarantine(
    const Caller& caller, const v1::ListQuarantinedObjectsRequest& request) const {
  if (absl::Status s = Authorize(edge_, caller, auth::Verb::kReadQuarantine, request.parent());
      !s.ok()) {
    return s;
  }
  const auto partition = PartitionOfParent(request.parent());
  if (!partition.ok()) return partition.status();
  const std::string collection = absl::StrCat(request.parent(), "/quarantinedObjects");
  const auto page = ParsePageRequest(collection, request.page_size(), request.page_token());
  if (!page.ok()) return page.status();
  const auto listed =
      sources_.quarantine->List(*partition, page->after, page->size, caller.deadline());
  if (!listed.ok()) return listed.status();
  v1::ListQuarantinedObjectsResponse response;
  for (const Quarantined& object : listed->objects) {
    *response.add_quarantined_objects() = ToMessage(object);
  }
  if (!listed->next.empty()) response.set_next_page_token(PageToken(collection, listed->next));
  response.set_unattributable(static_cast<int32_t>(listed->unattributable));
  return response;
}

absl::StatusOr<v1::KeyVersion> LifecycleService::Adopt(
    const Caller& caller, const v1::AdoptQuarantinedObjectRequest& request) const {
  if (absl::Status s = Authorize(edge_, caller, auth::Verb::kManageQuarantine, request.name());
      !s.ok()) {
    return s;
  }
  const auto name = QuarantinedObjectName::Parse(request.name());
  if (!name.ok()) return name.status();
  const auto object = sources_.quarantine->Get(*name, caller.deadline());
  if (!object.ok()) return object.status();
  // Refused before a second person is asked.
  if (!object->adoptable.ok()) return object->adoptable;
  v1::AdoptQuarantinedObjectRequest resolved;
  resolved.set_name(request.name());
  const auto permit =
      Guard(edge_, caller, *edge_.catalog->Get(),
            {"sealward.v1.LifecycleService/AdoptQuarantinedObject", request.name(), EtagOf(*object),
             auth::Target{}, auth::Verb::kManageQuarantine, resolved});
  if (!permit.ok()) return permit.status();
  const auto number = sources_.quarantine->Adopt(
      *object, caller.deadline(),
      [&permit](store::Transaction& transaction) { permit->AddTo(transaction); });
  if (!number.ok()) return number.status();
  const auto snapshot = edge_.catalog->Get();
  const catalog::Key& key = *snapshot->keys.at(object->key);
  const auto index = FindVersion(key, *number);
  if (!index.ok()) return index.status();
  return ToMessage(key, *key.versions[*index], edge_.Now());
}

absl::StatusOr<v1::QuarantinedObject> LifecycleService::Purge(
    const Caller& caller, const v1::PurgeQuarantinedObjectRequest& request) const {
  if (absl::Status s = Authorize(edge_, caller, auth::Verb::kManageQuarantine, request.name());
      !s.ok()) {
    return s;
  }
  const auto name = QuarantinedObjectName::Parse(request.name());
  if (!name.ok()) return name.status();
  auto object = sources_.quarantine->Get(*name, caller.deadline());
  if (!object.ok()) return object.status();
  // Asked again: it is as it was.
  if (object->destroy_due != absl::InfiniteFuture()) return ToMessage(*object);
  v1::PurgeQuarantinedObjectRequest resolved;
  resolved.set_name(request.name());
  const auto permit =
      Guard(edge_, caller, *edge_.catalog->Get(),
            {"sealward.v1.LifecycleService/PurgeQuarantinedObject", request.name(), EtagOf(*object),
             auth::Target{}, auth::Verb::kManageQuarantine, resolved});
  if (!permit.ok()) return permit.status();
  const auto due = sources_.quarantine->Purge(
      *object, caller.principal(),
      [&permit](store::Transaction& transaction) { permit->AddTo(transaction); });
  if (!due.ok()) return due.status();
  object->destroy_due = *due;
  v1::QuarantinedObject message = ToMessage(*object);
  message.set_adoptable(false);
  return message;
}

}  // namespace sealward::api
