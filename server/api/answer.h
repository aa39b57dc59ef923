// From a function that returns StatusOr to a finished RPC.
#ifndef SEALWARD_SERVER_API_ANSWER_H_
#define SEALWARD_SERVER_API_ANSWER_H_

#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/statusor.h"
#include "common/errors.h"
#include "grpcpp/support/server_callback.h"
#include "server/api/caller.h"
#include "server/api/edge.h"
#include "server/api/replayed_call.h"
#include "server/api/status_conversion.h"

namespace sealward::api {

// Finishes the call with what `handle` returned.
template <typename Response>
void Finish(grpc::ServerUnaryReactor* reactor, const Caller& caller, Response* response,
            absl::StatusOr<Response> outcome) {
  if (outcome.ok()) *response = std::move(*outcome);
  reactor->Finish(ToGrpcStatus(outcome.status(), caller.request_id()));
}

// Answers on gRPC's own thread. For what reads the catalog's snapshot and
// nothing else: `handle` must not block. Only refusals are recorded.
template <typename Response, typename Handle>
grpc::ServerUnaryReactor* AnswerNow(const Edge& edge, grpc::CallbackServerContext* context,
                                    Response* response, Handle handle) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const auto caller = Caller::Of(edge, *context);
  if (caller.ok()) {
    Finish<Response>(reactor, *caller, response, handle(*caller));
  } else {
    reactor->Finish(ToGrpcStatus(caller.status(), ""));
  }
  return reactor;
}

// Answers from the executor, for what waits for the store or the HSM. gRPC keeps
// request and response until the call is finished. Each call is an act on record,
// however it ends. `lane_of(caller)` is the executor's lane: the HSM partition
// that the call may wait for, empty if it waits for none. A request_id makes it happen
// once (replayed_call.h). RESOURCE_EXHAUSTED (TOO_MANY_CALLS) with RetryInfo if the
// executor or the lane is full.
template <typename Request, typename Response, typename Handle, typename LaneOf>
grpc::ServerUnaryReactor* AnswerInLane(const Edge& edge, grpc::CallbackServerContext* context,
                                       const Request* request, Response* response, Handle handle,
                                       LaneOf lane_of) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  auto caller = Caller::Of(edge, *context);
  if (!caller.ok()) {
    reactor->Finish(ToGrpcStatus(caller.status(), ""));
    return reactor;
  }
  caller->BeginAct();
  const std::string lane = lane_of(*caller);
  const bool queued = edge.executor->Submit(
      [edge, reactor, request, response, each = *caller, handle]() mutable {
        absl::StatusOr<Response> outcome = CarryOutOnce<Response>(edge, each, *request, handle);
        each.RecordAct(outcome.status());
        Finish<Response>(reactor, each, response, std::move(outcome));
      },
      lane);
  if (!queued) {
    const absl::Status full = MakeRetryableError(
        absl::StatusCode::kResourceExhausted, "TOO_MANY_CALLS",
        "too many administrative calls are under way; try again", kDefaultRetryDelay);
    caller->RecordAct(full);
    reactor->Finish(ToGrpcStatus(full, caller->request_id()));
  }
  return reactor;
}

// As AnswerInLane, for what waits for no HSM.
template <typename Request, typename Response, typename Handle>
grpc::ServerUnaryReactor* AnswerLater(const Edge& edge, grpc::CallbackServerContext* context,
                                      const Request* request, Response* response, Handle handle) {
  return AnswerInLane(edge, context, request, response, std::move(handle),
                      [](const Caller&) { return std::string(); });
}

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_ANSWER_H_
