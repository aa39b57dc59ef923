// sealward.v1.TrustDomainService.
#ifndef SEALWARD_SERVER_API_TRUST_DOMAIN_SERVICE_H_
#define SEALWARD_SERVER_API_TRUST_DOMAIN_SERVICE_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "sealward/v1/trust_domain_service.grpc.pb.h"
#include "server/api/caller.h"
#include "server/api/edge.h"
#include "server/auth/trust_bundle.h"

namespace sealward::api {

// Most trust domains in the store.
inline constexpr size_t kMaxTrustDomains = 64;

// TrustDomainService serves proto/sealward/v1/trust_domain_service.proto on the
// admin listener. Thread-safe; no handler blocks gRPC's threads. A change is
// authorized and checked first (Prepare…), then asks for a second person, and is
// committed last.
class TrustDomainService final : public v1::TrustDomainService::CallbackService {
 public:
  TrustDomainService(const Edge& edge, const auth::BundleRules& rules)
      : edge_(edge), rules_(rules) {}

  grpc::ServerUnaryReactor* CreateTrustDomain(grpc::CallbackServerContext* context,
                                              const v1::CreateTrustDomainRequest* request,
                                              v1::TrustDomain* response) override;
  grpc::ServerUnaryReactor* GetTrustDomain(grpc::CallbackServerContext* context,
                                           const v1::GetTrustDomainRequest* request,
                                           v1::TrustDomain* response) override;
  grpc::ServerUnaryReactor* ListTrustDomains(grpc::CallbackServerContext* context,
                                             const v1::ListTrustDomainsRequest* request,
                                             v1::ListTrustDomainsResponse* response) override;
  grpc::ServerUnaryReactor* UpdateTrustDomain(grpc::CallbackServerContext* context,
                                              const v1::UpdateTrustDomainRequest* request,
                                              v1::TrustDomain* response) override;
  grpc::ServerUnaryReactor* DeleteTrustDomain(grpc::CallbackServerContext* context,
                                              const v1::DeleteTrustDomainRequest* request,
                                              v1::DeleteTrustDomainResponse* response) override;

 private:
  using DomainPtr = std::shared_ptr<const catalog::TrustDomain>;

  // What the request would write; what it would replace or remove.
  absl::StatusOr<catalog::TrustDomain> PrepareCreate(
      const Caller& caller, const catalog::Snapshot& snapshot,
      const v1::CreateTrustDomainRequest& request) const;
  absl::StatusOr<DomainPtr> PrepareUpdate(const Caller& caller, const catalog::Snapshot& snapshot,
                                          const v1::UpdateTrustDomainRequest& request,
                                          catalog::TrustDomain& next) const;
  absl::StatusOr<DomainPtr> PrepareDelete(const Caller& caller, const catalog::Snapshot& snapshot,
                                          const v1::DeleteTrustDomainRequest& request) const;

  absl::StatusOr<v1::TrustDomain> Create(const Caller& caller,
                                         const v1::CreateTrustDomainRequest& request) const;
  absl::StatusOr<v1::TrustDomain> Get(const Caller& caller,
                                      const v1::GetTrustDomainRequest& request) const;
  absl::StatusOr<v1::ListTrustDomainsResponse> List(
      const Caller& caller, const v1::ListTrustDomainsRequest& request) const;
  absl::StatusOr<v1::TrustDomain> Update(const Caller& caller,
                                         const v1::UpdateTrustDomainRequest& request) const;
  absl::StatusOr<v1::DeleteTrustDomainResponse> Delete(
      const Caller& caller, const v1::DeleteTrustDomainRequest& request) const;

  const Edge edge_;
  const auth::BundleRules rules_;
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_TRUST_DOMAIN_SERVICE_H_
