// The services of the administrative API, as one set.
#ifndef SEALWARD_SERVER_APP_ADMIN_SERVICES_H_
#define SEALWARD_SERVER_APP_ADMIN_SERVICES_H_

#include <memory>
#include <string>
#include <vector>

#include "grpcpp/impl/codegen/service_type.h"
#include "server/api/edge.h"
#include "server/api/operations_service.h"
#include "server/api/status_service.h"
#include "server/auth/trust_bundle.h"
#include "server/hsm_client/partitions.h"
#include "server/lifecycle/epochs.h"
#include "server/lifecycle/key_manager.h"
#include "server/lifecycle/quarantine.h"
#include "server/signing/live_jwts.h"

namespace sealward::app {

// AdminSources is what the services need beside their edge. All outlive them.
struct AdminSources {
  std::string public_url;
  lifecycle::KeyManager* keys = nullptr;
  const lifecycle::Quarantine* quarantine = nullptr;
  const signing::LiveJwts* live_jwts = nullptr;
  lifecycle::Epochs* epochs = nullptr;
  const hsm_client::Partitions* partitions = nullptr;
  api::StatusService::Sources status;
  api::OperationsService::Sources operations;
  auth::BundleRules bundle_rules;
};

// AdminServices holds one object of each service. gRPC takes a service object on
// one server only, so each listener has a set of its own.
class AdminServices {
 public:
  AdminServices(const api::Edge& edge, const AdminSources& sources);
  ~AdminServices();

  const std::vector<grpc::Service*>& all() const { return all_; }

 private:
  struct Set;
  std::unique_ptr<Set> set_;
  std::vector<grpc::Service*> all_;
};

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_ADMIN_SERVICES_H_
