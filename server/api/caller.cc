#include "server/api/caller.h"

#include <utility>

#include "server/api/denial.h"
#include "server/api/request_id.h"
#include "server/telemetry/logging.h"

namespace sealward::api {
namespace {

// Longest part of a resource name in a decision record: names of a stranger's
// making are not to fill the log.
constexpr size_t kMaxLoggedName = 256;

}  // namespace

Caller::Caller(telemetry::Metrics* metrics, std::shared_ptr<const auth::Identity> identity,
               absl::Time deadline)
    : metrics_(metrics),
      identity_(std::move(identity)),
      request_id_(NewRequestId()),
      deadline_(deadline) {}

absl::StatusOr<Caller> Caller::Of(const Edge& edge, const grpc::CallbackServerContext& context) {
  auto identity = edge.identities->Read(*context.auth_context());
  if (!identity.ok()) {
    edge.metrics->CountDenied("authenticate");
    telemetry::Log(telemetry::Level::kWarning, "caller_refused",
                   {{"peer", context.peer()}, {"reason", identity.status().message()}});
    return identity.status();
  }
  return Caller(edge.metrics, *std::move(identity), absl::FromChrono(context.deadline()));
}

absl::Status Caller::Authorize(const catalog::Snapshot& snapshot, const auth::Target& target,
                               auth::Verb verb, absl::string_view resource) const {
  const auth::Decision decision = auth::Decide(snapshot, principal(), target, verb);
  if (decision.allowed) return absl::OkStatus();
  metrics_->CountDenied(auth::VerbName(verb));
  telemetry::Log(telemetry::Level::kWarning, "permission_denied",
                 {{"principal", principal()},
                  {"verb", auth::VerbName(verb)},
                  {"resource", resource.substr(0, kMaxLoggedName)},
                  {"reason", decision.reason},
                  {"request_id", request_id_}});
  return Denied();
}

}  // namespace sealward::api
