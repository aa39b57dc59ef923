#include "server/api/lifecycle_service.h"

#include <string>

#include "server/api/answer.h"
#include "server/api/key_change.h"

namespace sealward::api {
namespace {

// The lane of a call about one version.
template <typename Request>
std::string LaneOfVersion(const Edge& edge, const Caller& caller, const Request& request,
                          auth::Verb verb) {
  const auto name = KeyVersionName::Parse(request.name());
  if (!name.ok()) return "";
  const std::string tenant = name->key.Parent();
  const std::string key = name->key.ToString();
  return LaneOf(*edge.catalog->Get(), caller, auth::Target{tenant, key}, verb);
}

}  // namespace

grpc::ServerUnaryReactor* LifecycleService::PlanKey(grpc::CallbackServerContext* context,
                                                    const v1::PlanKeyRequest* request,
                                                    v1::PlanKeyResponse* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) { return Plan(caller, *request); });
}

grpc::ServerUnaryReactor* LifecycleService::PauseKey(grpc::CallbackServerContext* context,
                                                     const v1::PauseKeyRequest* request,
                                                     v1::Key* response) {
  return AnswerLater(edge_, context, request, response,
                     [this, request](const Caller& caller) { return Pause(caller, *request); });
}

grpc::ServerUnaryReactor* LifecycleService::ResumeKey(grpc::CallbackServerContext* context,
                                                      const v1::ResumeKeyRequest* request,
                                                      v1::Key* response) {
  return AnswerLater(edge_, context, request, response,
                     [this, request](const Caller& caller) { return Resume(caller, *request); });
}

grpc::ServerUnaryReactor* LifecycleService::SuspendKeyVersion(
    grpc::CallbackServerContext* context, const v1::SuspendKeyVersionRequest* request,
    v1::KeyVersion* response) {
  return AnswerInLane(
      edge_, context, request, response,
      [this, request](const Caller& caller) { return Suspend(caller, *request); },
      [this, request](const Caller& caller) {
        return LaneOfVersion(edge_, caller, *request, auth::Verb::kSuspendVersion);
      });
}

grpc::ServerUnaryReactor* LifecycleService::EnableKeyVersion(
    grpc::CallbackServerContext* context, const v1::EnableKeyVersionRequest* request,
    v1::KeyVersion* response) {
  return AnswerLater(edge_, context, request, response,
                     [this, request](const Caller& caller) { return Enable(caller, *request); });
}

// In no lane: a partition that hangs must not make a revocation wait.
grpc::ServerUnaryReactor* LifecycleService::Revoke(grpc::CallbackServerContext* context,
                                                   const v1::RevokeRequest* request,
                                                   v1::RevokeResponse* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return Revocation(edge_, {manager_, sources_.live_jwts}, caller, *request).Run();
  });
}

grpc::ServerUnaryReactor* LifecycleService::DestroyKeyVersion(
    grpc::CallbackServerContext* context, const v1::DestroyKeyVersionRequest* request,
    v1::KeyVersion* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return Destroy(caller, *request); });
  });
}

grpc::ServerUnaryReactor* LifecycleService::CancelDestroyKeyVersion(
    grpc::CallbackServerContext* context, const v1::CancelDestroyKeyVersionRequest* request,
    v1::KeyVersion* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return CancelDestroy(caller, *request);
  });
}

}  // namespace sealward::api
