// sealward.v1.LifecycleService.
#ifndef SEALWARD_SERVER_API_LIFECYCLE_SERVICE_H_
#define SEALWARD_SERVER_API_LIFECYCLE_SERVICE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "sealward/v1/lifecycle_service.grpc.pb.h"
#include "server/api/caller.h"
#include "server/api/edge.h"
#include "server/api/revocation.h"
#include "server/lifecycle/key_manager.h"
#include "server/lifecycle/quarantine.h"
#include "server/signing/live_jwts.h"

namespace sealward::api {

// LifecycleService serves proto/sealward/v1/lifecycle_service.proto on the admin
// listener. Thread-safe; no handler blocks gRPC's threads. What is read or paused is
// in lifecycle_pause.cc, what is done to single versions in lifecycle_versions.cc,
// quarantine in lifecycle_quarantine.cc, revocation in revocation.h.
class LifecycleService final : public v1::LifecycleService::CallbackService {
 public:
  // All outlives the service.
  struct Sources {
    lifecycle::KeyManager* keys = nullptr;
    const lifecycle::Quarantine* quarantine = nullptr;
    const signing::LiveJwts* live_jwts = nullptr;
  };
  LifecycleService(const Edge& edge, const Sources& sources)
      : edge_(edge), sources_(sources), manager_(sources.keys) {}

  grpc::ServerUnaryReactor* PlanKey(grpc::CallbackServerContext* context,
                                    const v1::PlanKeyRequest* request,
                                    v1::PlanKeyResponse* response) override;
  grpc::ServerUnaryReactor* PauseKey(grpc::CallbackServerContext* context,
                                     const v1::PauseKeyRequest* request,
                                     v1::Key* response) override;
  grpc::ServerUnaryReactor* ResumeKey(grpc::CallbackServerContext* context,
                                      const v1::ResumeKeyRequest* request,
                                      v1::Key* response) override;
  grpc::ServerUnaryReactor* SuspendKeyVersion(grpc::CallbackServerContext* context,
                                              const v1::SuspendKeyVersionRequest* request,
                                              v1::KeyVersion* response) override;
  grpc::ServerUnaryReactor* EnableKeyVersion(grpc::CallbackServerContext* context,
                                             const v1::EnableKeyVersionRequest* request,
                                             v1::KeyVersion* response) override;
  grpc::ServerUnaryReactor* Revoke(grpc::CallbackServerContext* context,
                                   const v1::RevokeRequest* request,
                                   v1::RevokeResponse* response) override;
  grpc::ServerUnaryReactor* DestroyKeyVersion(grpc::CallbackServerContext* context,
                                              const v1::DestroyKeyVersionRequest* request,
                                              v1::KeyVersion* response) override;
  grpc::ServerUnaryReactor* CancelDestroyKeyVersion(
      grpc::CallbackServerContext* context, const v1::CancelDestroyKeyVersionRequest* request,
      v1::KeyVersion* response) override;
  grpc::ServerUnaryReactor* ListQuarantinedObjects(
      grpc::CallbackServerContext* context, const v1::ListQuarantinedObjectsRequest* request,
      v1::ListQuarantinedObjectsResponse* response) override;
  grpc::ServerUnaryReactor* AdoptQuarantinedObject(grpc::CallbackServerContext* context,
                                                   const v1::AdoptQuarantinedObjectRequest* request,
                                                   v1::KeyVersion* response) override;
  grpc::ServerUnaryReactor* PurgeQuarantinedObject(grpc::CallbackServerContext* context,
                                                   const v1::PurgeQuarantinedObjectRequest* request,
                                                   v1::QuarantinedObject* response) override;

 private:
  using KeyPtr = std::shared_ptr<const catalog::Key>;

  absl::StatusOr<v1::PlanKeyResponse> Plan(const Caller& caller,
                                           const v1::PlanKeyRequest& request) const;
  absl::StatusOr<v1::Key> Pause(const Caller& caller, const v1::PauseKeyRequest& request) const;
  absl::StatusOr<v1::Key> Resume(const Caller& caller, const v1::ResumeKeyRequest& request) const;
  absl::StatusOr<v1::KeyVersion> Suspend(const Caller& caller,
                                         const v1::SuspendKeyVersionRequest& request) const;
  absl::StatusOr<v1::KeyVersion> Enable(const Caller& caller,
                                        const v1::EnableKeyVersionRequest& request) const;
  absl::StatusOr<v1::KeyVersion> Destroy(const Caller& caller,
                                         const v1::DestroyKeyVersionRequest& request) const;
  absl::StatusOr<v1::KeyVersion> CancelDestroy(
      const Caller& caller, const v1::CancelDestroyKeyVersionRequest& request) const;

  absl::StatusOr<v1::ListQuarantinedObjectsResponse> ListQuarantine(
      const Caller& caller, const v1::ListQuarantinedObjectsRequest& request) const;
  absl::StatusOr<v1::KeyVersion> Adopt(const Caller& caller,
                                       const v1::AdoptQuarantinedObjectRequest& request) const;
  absl::StatusOr<v1::QuarantinedObject> Purge(
      const Caller& caller, const v1::PurgeQuarantinedObjectRequest& request) const;

  const Edge edge_;
  const Sources sources_;
  lifecycle::KeyManager* const manager_;  // sources_.keys
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_LIFECYCLE_SERVICE_H_
