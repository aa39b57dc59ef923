// sealward.v1.IssuerService.
#ifndef SEALWARD_SERVER_API_ISSUER_SERVICE_H_
#define SEALWARD_SERVER_API_ISSUER_SERVICE_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "sealward/v1/issuer_service.grpc.pb.h"
#include "server/api/caller.h"
#include "server/api/edge.h"
#include "server/lifecycle/key_manager.h"

namespace sealward::api {

// IssuerService serves proto/sealward/v1/issuer_service.proto on the admin
// listener. Thread-safe; no handler blocks gRPC's threads. UpdateIssuer is in
// issuer_update.cc, foreign keys are in issuer_foreign_keys.cc.
class IssuerService final : public v1::IssuerService::CallbackService {
 public:
  // `public_url` is where JWKS are served, without a slash at its end. `manager` is
  // told of keys whose times change. REQUIRES: it outlives the service.
  IssuerService(const Edge& edge, lifecycle::KeyManager* manager, std::string public_url)
      : edge_(edge), manager_(manager), public_url_(std::move(public_url)) {}

  grpc::ServerUnaryReactor* CreateIssuer(grpc::CallbackServerContext* context,
                                         const v1::CreateIssuerRequest* request,
                                         v1::Issuer* response) override;
  grpc::ServerUnaryReactor* GetIssuer(grpc::CallbackServerContext* context,
                                      const v1::GetIssuerRequest* request,
                                      v1::Issuer* response) override;
  grpc::ServerUnaryReactor* ListIssuers(grpc::CallbackServerContext* context,
                                        const v1::ListIssuersRequest* request,
                                        v1::ListIssuersResponse* response) override;
  grpc::ServerUnaryReactor* UpdateIssuer(grpc::CallbackServerContext* context,
                                         const v1::UpdateIssuerRequest* request,
                                         v1::Issuer* response) override;
  grpc::ServerUnaryReactor* CreateForeignKey(grpc::CallbackServerContext* context,
                                             const v1::CreateForeignKeyRequest* request,
                                             v1::ForeignKey* response) override;
  grpc::ServerUnaryReactor* DeleteForeignKey(grpc::CallbackServerContext* context,
                                             const v1::DeleteForeignKeyRequest* request,
                                             v1::DeleteForeignKeyResponse* response) override;
  grpc::ServerUnaryReactor* ListForeignKeys(grpc::CallbackServerContext* context,
                                            const v1::ListForeignKeysRequest* request,
                                            v1::ListForeignKeysResponse* response) override;

 private:
  absl::StatusOr<v1::Issuer> Create(const Caller& caller,
                                    const v1::CreateIssuerRequest& request) const;
  absl::StatusOr<v1::Issuer> Get(const Caller& caller, const v1::GetIssuerRequest& request) const;
  absl::StatusOr<v1::ListIssuersResponse> List(const Caller& caller,
                                               const v1::ListIssuersRequest& request) const;
  absl::StatusOr<v1::Issuer> Update(const Caller& caller,
                                    const v1::UpdateIssuerRequest& request) const;
  absl::StatusOr<v1::ForeignKey> CreateForeign(const Caller& caller,
                                               const v1::CreateForeignKeyRequest& request) const;
  absl::StatusOr<v1::DeleteForeignKeyResponse> DeleteForeign(
      const Caller& caller, const v1::DeleteForeignKeyRequest& request) const;
  absl::StatusOr<v1::ListForeignKeysResponse> ListForeign(
      const Caller& caller, const v1::ListForeignKeysRequest& request) const;

  const Edge edge_;
  lifecycle::KeyManager* const manager_;
  const std::string public_url_;
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_ISSUER_SERVICE_H_
