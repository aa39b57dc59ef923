// sealward.v1.RoleBindingService.
#ifndef SEALWARD_SERVER_API_ROLE_BINDING_SERVICE_H_
#define SEALWARD_SERVER_API_ROLE_BINDING_SERVICE_H_

#include "absl/status/statusor.h"
#include "sealward/v1/role_binding_service.grpc.pb.h"
#include "server/api/caller.h"
#include "server/api/edge.h"
#include "server/catalog/snapshot.h"

namespace sealward::api {

// RoleBindingService serves proto/sealward/v1/role_binding_service.proto on the
// admin listener. Thread-safe; no handler blocks gRPC's threads.
class RoleBindingService final : public v1::RoleBindingService::CallbackService {
 public:
  explicit RoleBindingService(const Edge& edge) : edge_(edge) {}

  grpc::ServerUnaryReactor* CreateRoleBinding(grpc::CallbackServerContext* context,
                                              const v1::CreateRoleBindingRequest* request,
                                              v1::RoleBinding* response) override;
  grpc::ServerUnaryReactor* GetRoleBinding(grpc::CallbackServerContext* context,
                                           const v1::GetRoleBindingRequest* request,
                                           v1::RoleBinding* response) override;
  grpc::ServerUnaryReactor* ListRoleBindings(grpc::CallbackServerContext* context,
                                             const v1::ListRoleBindingsRequest* request,
                                             v1::ListRoleBindingsResponse* response) override;
  grpc::ServerUnaryReactor* DeleteRoleBinding(grpc::CallbackServerContext* context,
                                              const v1::DeleteRoleBindingRequest* request,
                                              v1::DeleteRoleBindingResponse* response) override;

 private:
  absl::StatusOr<v1::RoleBinding> Create(const Caller& caller,
                                         const v1::CreateRoleBindingRequest& request) const;
  absl::StatusOr<v1::RoleBinding> Get(const Caller& caller,
                                      const v1::GetRoleBindingRequest& request) const;
  absl::StatusOr<v1::ListRoleBindingsResponse> List(
      const Caller& caller, const v1::ListRoleBindingsRequest& request) const;
  absl::StatusOr<v1::DeleteRoleBindingResponse> Delete(
      const Caller& caller, const v1::DeleteRoleBindingRequest& request) const;

  absl::StatusOr<catalog::RoleBinding> Check(const Caller& caller,
                                             const catalog::Snapshot& snapshot,
                                             const v1::CreateRoleBindingRequest& request) const;

  const Edge edge_;
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_ROLE_BINDING_SERVICE_H_
