// The caller of one RPC, and what they may do.
#ifndef SEALWARD_SERVER_API_CALLER_H_
#define SEALWARD_SERVER_API_CALLER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "server/api/edge.h"
#include "server/auth/decision.h"
#include "server/auth/identity.h"
#include "server/catalog/snapshot.h"

namespace sealward::api {

// Caller is the peer of one RPC with an identity. Movable; safe to use on
// another thread than it was made on.
class Caller {
 public:
  // UNAUTHENTICATED as auth::IdentitySource.
  static absl::StatusOr<Caller> Of(const Edge& edge, const grpc::CallbackServerContext& context);

  // A caller that is known already. For tests.
  Caller(telemetry::Metrics* metrics, std::shared_ptr<const auth::Identity> identity,
         absl::Time deadline);

  const auth::Identity& identity() const { return *identity_; }
  const std::string& principal() const { return identity_->principal; }
  const std::string& request_id() const { return request_id_; }
  // When the caller stops waiting.
  absl::Time deadline() const { return deadline_; }

  // OK, or Denied() (denial.h). Call it before looking whether the resource exists,
  // and on nothing but the request's own words, so that a stranger takes the
  // same path either way. A refusal is counted and logged with its reason.
  absl::Status Authorize(const catalog::Snapshot& snapshot, const auth::Target& target,
                         auth::Verb verb, absl::string_view resource) const;

 private:
  telemetry::Metrics* metrics_;
  std::shared_ptr<const auth::Identity> identity_;
  std::string request_id_;
  absl::Time deadline_;
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_CALLER_H_
