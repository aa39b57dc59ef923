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

Caller::Caller(telemetry::Metrics* metrics, std::string principal, absl::Time deadline)
    : metrics_(metrics),
      principal_(std::move(principal)),
      request_id_(NewRequestId()),
      deadline_(deadline) {}

absl::StatusOr<Caller> Caller::Of(const Edge& edge, const grpc::CallbackServerContext& context) {
  auto principal = edge.principals->Read(*context.auth_context());
  if (!principal.ok()) {
    edge.metrics->CountDenied("authenticate");
    telemetry::Log(telemetry::Level::kWarning, "caller_refused",
                   {{"peer", context.peer()}, {"reason", principal.status().message()}});
    return principal.status();
  }
  return Caller(edge.metrics, std::move(*principal), absl::FromChrono(context.deadline()));
}

absl::Status Caller::Authorize(const catalog::Snapshot& snapshot, const auth::Target& target,
                               auth::Verb verb, absl::string_view resource) const {
  const auth::Decision decision = auth::Decide(snapshot, principal_, target, verb);
  if (decision.allowed) return absl::OkStatus();
  metrics_->CountDenied(auth::VerbName(verb));
  telemetry::Log(telemetry::Level::kWarning, "permission_denied",
                 {{"principal", principal_},
                  {"verb", auth::VerbName(verb)},
                  {"resource", resource.substr(0, kMaxLoggedName)},
                  {"reason", decision.reason},
                  {"request_id", request_id_}});
  return Denied();
}

}  // namespace sealward::api
