// sealward.v1.IssuerService.
#ifndef SEALWARD_SERVER_API_ISSUER_SERVICE_H_
#define SEALWARD_SERVER_API_ISSUER_SERVICE_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "sealward/v1/issuer_service.grpc.pb.h"
#include "server/api/caller.h"
#include "server/api/edge.h"

namespace sealward::api {

// IssuerService serves proto/sealward/v1/issuer_service.proto on the admin
// listener. Thread-safe; no handler blocks gRPC's threads.
class IssuerService final : public v1::IssuerService::CallbackService {
 public:
  // `public_url` is where JWKS are served, without a slash at its end.
  IssuerService(const Edge& edge, std::string public_url)
      : edge_(edge), public_url_(std::move(public_url)) {}

  grpc::ServerUnaryReactor* CreateIssuer(grpc::CallbackServerContext* context,
                                         const v1::CreateIssuerRequest* request,
                                         v1::Issuer* response) override;
  grpc::ServerUnaryReactor* GetIssuer(grpc::CallbackServerContext* context,
                                      const v1::GetIssuerRequest* request,
                                      v1::Issuer* response) override;
  grpc::ServerUnaryReactor* ListIssuers(grpc::CallbackServerContext* context,
                                        const v1::ListIssuersRequest* request,
                                        v1::ListIssuersResponse* response) override;

 private:
  absl::StatusOr<v1::Issuer> Create(const Caller& caller,
                                    const v1::CreateIssuerRequest& request) const;
  absl::StatusOr<v1::Issuer> Get(const Caller& caller, const v1::GetIssuerRequest& request) const;
  absl::StatusOr<v1::ListIssuersResponse> List(const Caller& caller,
                                               const v1::ListIssuersRequest& request) const;

  const Edge edge_;
  const std::string public_url_;
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_ISSUER_SERVICE_H_
