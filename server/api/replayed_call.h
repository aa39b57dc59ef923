// Calls with a request_id: carried out once, answered as often as they are asked.
#ifndef SEALWARD_SERVER_API_REPLAYED_CALL_H_
#define SEALWARD_SERVER_API_REPLAYED_CALL_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "server/api/caller.h"
#include "server/api/edge.h"
#include "server/replay/replay_log.h"

namespace sealward::api {

// The log's entry for a call. Where it has an answer already, the caller has been
// authorized for it again. Errors of ReplayLog::Enter, DATA_LOSS, and Denied().
absl::StatusOr<replay::Entry> EnterReplay(const Edge& edge, const Caller& caller,
                                          const google::protobuf::Message& request,
                                          const std::string& request_id);

template <typename Request>
concept HasRequestId = requires(const Request& request) { request.request_id(); };

template <typename Request>
bool IsRehearsal(const Request& request) {
  if constexpr (requires { request.validate_only(); }) {
    return request.validate_only();
  } else {
    return false;
  }
}

// What `handle(caller)` returns, or returned when the same caller sent the same request
// with the same request_id. A rehearsal (validate_only) does nothing and is never
// remembered. Blocks on the store. REQUIRES: caller.BeginAct.
template <typename Response, typename Request, typename Handle>
absl::StatusOr<Response> CarryOutOnce(const Edge& edge, const Caller& caller,
                                      const Request& request, Handle& handle) {
  if constexpr (HasRequestId<Request>) {
    if (edge.replay != nullptr && !request.request_id().empty() && !IsRehearsal(request)) {
      auto entry = EnterReplay(edge, caller, request, request.request_id());
      if (!entry.ok()) return entry.status();
      if (entry->answer) {
        Response response;
        if (response.ParseFromString(entry->answer->response)) return response;
        return absl::DataLossError("the answer to an earlier call cannot be read");
      }
      caller.SetAttempt(entry->attempt.get());
      absl::StatusOr<Response> outcome = handle(caller);
      caller.SetAttempt(nullptr);
      entry->attempt->Ended(outcome.status(), outcome.ok() ? outcome->SerializeAsString() : "");
      return outcome;
    }
  }
  return handle(caller);
}

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_REPLAYED_CALL_H_
