#include "server/app/admin_services.h"

#include "server/api/approval_service.h"
#include "server/api/denied_certificate_service.h"
#include "server/api/issuer_service.h"
#include "server/api/key_service.h"
#include "server/api/lifecycle_service.h"
#include "server/api/operations_service.h"
#include "server/api/role_binding_service.h"
#include "server/api/tenant_service.h"
#include "server/api/trust_domain_service.h"

namespace sealward::app {

struct AdminServices::Set {
  Set(const api::Edge& edge, const AdminSources& sources)
      : tenants(edge, sources.partitions),
        issuers(edge, sources.keys, sources.public_url),
        keys(edge, sources.keys),
        lifecycle(edge, {sources.keys, sources.quarantine, sources.live_jwts}),
        bindings(edge),
        approvals(edge),
        trust_domains(edge, sources.bundle_rules),
        denied_certificates(edge),
        operations(edge, sources.operations),
        status(edge, sources.status) {}

  api::TenantService tenants;
  api::IssuerService issuers;
  api::KeyService keys;
  api::LifecycleService lifecycle;
  api::RoleBindingService bindings;
  api::ApprovalService approvals;
  api::TrustDomainService trust_domains;
  api::DeniedCertificateService denied_certificates;
  api::OperationsService operations;
  api::StatusService status;
};

AdminServices::AdminServices(const api::Edge& edge, const AdminSources& sources)
    : set_(std::make_unique<Set>(edge, sources)),
      all_{&set_->tenants,    &set_->issuers,   &set_->keys,          &set_->lifecycle,
           &set_->bindings,   &set_->approvals, &set_->trust_domains, &set_->denied_certificates,
           &set_->operations, &set_->status} {}

AdminServices::~AdminServices() = default;

}  // namespace sealward::app
