// sealward.v1.TenantService.
#ifndef SEALWARD_SERVER_API_TENANT_SERVICE_H_
#define SEALWARD_SERVER_API_TENANT_SERVICE_H_

#include "absl/status/statusor.h"
#include "sealward/v1/tenant_service.grpc.pb.h"
#include "server/api/caller.h"
#include "server/api/edge.h"
#include "server/hsm_client/partitions.h"

namespace sealward::api {

// TenantService serves proto/sealward/v1/tenant_service.proto on the admin
// listener. Thread-safe; no handler blocks gRPC's threads.
class TenantService final : public v1::TenantService::CallbackService {
 public:
  // `partitions` are those that a tenant may be bound to; they outlive it.
  TenantService(const Edge& edge, const hsm_client::Partitions* partitions)
      : edge_(edge), partitions_(partitions) {}

  grpc::ServerUnaryReactor* CreateTenant(grpc::CallbackServerContext* context,
                                         const v1::CreateTenantRequest* request,
                                         v1::Tenant* response) override;
  grpc::ServerUnaryReactor* UpdateTenant(grpc::CallbackServerContext* context,
                                         const v1::UpdateTenantRequest* request,
                                         v1::Tenant* response) override;
  grpc::ServerUnaryReactor* GetTenant(grpc::CallbackServerContext* context,
                                      const v1::GetTenantRequest* request,
                                      v1::Tenant* response) override;
  grpc::ServerUnaryReactor* ListTenants(grpc::CallbackServerContext* context,
                                        const v1::ListTenantsRequest* request,
                                        v1::ListTenantsResponse* response) override;

 private:
  absl::StatusOr<v1::Tenant> Create(const Caller& caller,
                                    const v1::CreateTenantRequest& request) const;
  absl::StatusOr<v1::Tenant> Update(const Caller& caller,
                                    const v1::UpdateTenantRequest& request) const;
  absl::StatusOr<v1::Tenant> Get(const Caller& caller, const v1::GetTenantRequest& request) const;
  absl::StatusOr<v1::ListTenantsResponse> List(const Caller& caller,
                                               const v1::ListTenantsRequest& request) const;

  const Edge edge_;
  const hsm_client::Partitions* const partitions_;
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_TENANT_SERVICE_H_
