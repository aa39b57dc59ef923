#include "client/batch_call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/status.h"
#include "common/errors.h"

namespace sealward::client {
namespace {

// What one entry of a response says.
absl::StatusOr<SignedJwt> OutcomeOf(v1::BatchSignJwtResult& result) {
  switch (result.outcome_case()) {
    case v1::BatchSignJwtResult::kResponse:
      return FromProto(std::move(*result.mutable_response()));
    case v1::BatchSignJwtResult::kError:
      if (result.error().code() != 0) return FromRpcStatus(result.error());
      break;
    case v1::BatchSignJwtResult::OUTCOME_NOT_SET:
      break;
  }
  return absl::InternalError("the server answered a request of a batch with no outcome");
}

}  // namespace

v1::SignJwtRequest ToProto(JwtRequest request) {
  v1::SignJwtRequest proto;
  proto.set_key(std::move(request.key));
  proto.set_claims(std::move(request.claims));
  proto.set_typ(std::move(request.typ));
  return proto;
}

SignedJwt FromProto(v1::SignJwtResponse response) {
  return SignedJwt{std::move(*response.mutable_jwt()), std::move(*response.mutable_kid())};
}

BatchCall::BatchCall(const RetryEnvironment& environment, v1::SigningService::Stub* stub,
                     absl::Time deadline, std::vector<Signer::BatchItem> items,
                     absl::AnyInvocable<void()> finished)
    : RetryingCall(environment, deadline), stub_(stub), finished_(std::move(finished)) {
  waiting_.reserve(items.size());
  for (auto& item : items) {
    *request_.add_requests() = ToProto(std::move(item.request));
    waiting_.push_back({std::move(item.done), absl::OkStatus()});
  }
}

void BatchCall::Send(grpc::ClientContext* context, std::function<void(grpc::Status)> done) {
  stub_->async()->BatchSignJwt(context, &request_, &response_, std::move(done));
}

absl::Status BatchCall::Absorb(absl::Status outcome) {
  if (!outcome.ok()) {
    for (Waiting& waiting : waiting_) waiting.last_error = outcome;
    return outcome;
  }
  if (response_.results_size() != static_cast<int>(waiting_.size())) {
    return absl::InternalError(absl::StrCat("the server answered a batch of ", waiting_.size(),
                                            " with ", response_.results_size(), " results"));
  }
  std::vector<Waiting> again;
  v1::BatchSignJwtRequest request;
  absl::Status slowest;  // of the errors to retry, the one with the longest RetryInfo
  for (int i = 0; i < response_.results_size(); ++i) {
    Waiting& waiting = waiting_[static_cast<size_t>(i)];
    auto result = OutcomeOf(*response_.mutable_results(i));
    if (result.ok() || !IsRetryable(result.status())) {
      waiting.done(std::move(result));
      continue;
    }
    if (slowest.ok() || RetryDelay(result.status()) > RetryDelay(slowest)) {
      slowest = result.status();
    }
    waiting.last_error = result.status();
    again.push_back(std::move(waiting));
    *request.add_requests() = std::move(*request_.mutable_requests(i));
  }
  waiting_ = std::move(again);
  request_ = std::move(request);
  return slowest;
}

void BatchCall::Finish(absl::Status status) {
  for (Waiting& waiting : waiting_) {
    const bool own = !waiting.last_error.ok() && IsRetryable(status);
    waiting.done(own ? std::move(waiting.last_error) : status);
  }
  waiting_.clear();
  finished_();
}

}  // namespace sealward::client
