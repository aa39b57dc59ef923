// sealward.v1.DeniedCertificateService.
#ifndef SEALWARD_SERVER_API_DENIED_CERTIFICATE_SERVICE_H_
#define SEALWARD_SERVER_API_DENIED_CERTIFICATE_SERVICE_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "sealward/v1/denied_certificate_service.grpc.pb.h"
#include "server/api/caller.h"
#include "server/api/edge.h"

namespace sealward::api {

// Most entries. An entry whose certificate has expired can be deleted.
inline constexpr size_t kMaxDeniedCertificates = 10'000;
inline constexpr size_t kMaxDenialReasonBytes = 256;

// DeniedCertificateService serves
// proto/sealward/v1/denied_certificate_service.proto on the admin listener.
// Thread-safe; no handler blocks gRPC's threads.
class DeniedCertificateService final : public v1::DeniedCertificateService::CallbackService {
 public:
  explicit DeniedCertificateService(const Edge& edge) : edge_(edge) {}

  grpc::ServerUnaryReactor* CreateDeniedCertificate(
      grpc::CallbackServerContext* context, const v1::CreateDeniedCertificateRequest* request,
      v1::DeniedCertificate* response) override;
  grpc::ServerUnaryReactor* GetDeniedCertificate(grpc::CallbackServerContext* context,
                                                 const v1::GetDeniedCertificateRequest* request,
                                                 v1::DeniedCertificate* response) override;
  grpc::ServerUnaryReactor* ListDeniedCertificates(
      grpc::CallbackServerContext* context, const v1::ListDeniedCertificatesRequest* request,
      v1::ListDeniedCertificatesResponse* response) override;
  grpc::ServerUnaryReactor* DeleteDeniedCertificate(
      grpc::CallbackServerContext* context, const v1::DeleteDeniedCertificateRequest* request,
      v1::DeleteDeniedCertificateResponse* response) override;

 private:
  absl::StatusOr<v1::DeniedCertificate> Create(
      const Caller& caller, const v1::CreateDeniedCertificateRequest& request) const;
  absl::StatusOr<v1::DeniedCertificate> Get(const Caller& caller,
                                            const v1::GetDeniedCertificateRequest& request) const;
  absl::StatusOr<v1::ListDeniedCertificatesResponse> List(
      const Caller& caller, const v1::ListDeniedCertificatesRequest& request) const;
  absl::StatusOr<v1::DeleteDeniedCertificateResponse> Delete(
      const Caller& caller, const v1::DeleteDeniedCertificateRequest& request) const;

  const Edge edge_;
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_DENIED_CERTIFICATE_SERVICE_H_
