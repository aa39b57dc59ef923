// Private to client/: the call behind the RPCs for batches.
#ifndef SEALWARD_CLIENT_BATCH_CALL_H_
#define SEALWARD_CLIENT_BATCH_CALL_H_

#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/str_cat.h"
#include "client/operations.h"
#include "client/retrying_call.h"
#include "client/status.h"
#include "common/errors.h"

namespace sealward::client {

// BatchCall sends a batch of an Operation (operations.h), delivers what is final,
// and sends the rest again.
template <typename Operation>
class BatchCall final : public RetryingCall {
 public:
  using Item = BatchItemOf<typename Operation::Request, typename Operation::Answer>;

  // `paused`, if set: as Signer::SignJwtBatchAsync says.
  BatchCall(const RetryEnvironment& environment, v1::SigningService::Stub* stub,
            absl::Time deadline, std::vector<Item> items, absl::AnyInvocable<void()> finished,
            absl::AnyInvocable<void()> paused)
      : RetryingCall(environment, Operation::kBatchMethod, deadline, items.size()),
        stub_(stub),
        finished_(std::move(finished)),
        paused_(std::move(paused)) {
    waiting_.reserve(items.size());
    for (Item& item : items) {
      *request_.add_requests() = Operation::ToProto(std::move(item.request));
      waiting_.push_back({std::move(item.done), absl::OkStatus()});
    }
  }

 private:
  using Outcome = absl::StatusOr<typename Operation::Answer>;
  // Waiting is a request without a final outcome yet.
  struct Waiting {
    absl::AnyInvocable<void(Outcome)> done;
    absl::Status last_error;
  };

  void Send(grpc::ClientContext* context, RpcDone done) override {
    Operation::StartBatch(stub_, context, &request_, &answer_, std::move(done));
  }

  Progress Absorb(absl::Status outcome) override {
    if (outcome.ok() && answer_.results_size() != static_cast<int>(waiting_.size())) {
      outcome = absl::InternalError(absl::StrCat("the server answered a batch of ", waiting_.size(),
                                                 " with ", answer_.results_size(), " results"));
    }
    if (!outcome.ok()) {
      for (Waiting& waiting : waiting_) waiting.last_error = outcome;
      return {.left = std::move(outcome), .open = waiting_.size()};
    }
    Progress progress;
    std::vector<Waiting> again;
    typename Operation::BatchRequest request;
    for (int i = 0; i < answer_.results_size(); ++i) {
      Waiting& waiting = waiting_[static_cast<size_t>(i)];
      Outcome result = OutcomeOf(*answer_.mutable_results(i));
      if (result.ok() || !IsRetryable(result.status())) {
        ++(result.ok() ? progress.succeeded : progress.failed);
        waiting.done(std::move(result));
        continue;
      }
      // The one with the longest RetryInfo says when to ask again.
      if (progress.left.ok() || RetryDelay(result.status()) > RetryDelay(progress.left)) {
        progress.left = result.status();
      }
      waiting.last_error = result.status();
      again.push_back(std::move(waiting));
      *request.add_requests() = std::move(*request_.mutable_requests(i));
    }
    waiting_ = std::move(again);
    request_ = std::move(request);
    progress.open = waiting_.size();
    if (progress.succeeded + progress.failed > 0 && progress.open > 0 && paused_) {
      std::exchange(paused_, nullptr)();
    }
    return progress;
  }

  void Finish(absl::Status status) override {
    for (Waiting& waiting : waiting_) {
      const bool own = !waiting.last_error.ok() && IsRetryable(status);
      waiting.done(own ? std::move(waiting.last_error) : status);
    }
    // What these hold goes before the Signer's destructor returns.
    waiting_.clear();
    paused_ = nullptr;
    std::exchange(finished_, nullptr)();
  }

  // What one entry of an answer says.
  template <typename Result>
  static Outcome OutcomeOf(Result& result) {
    if (result.has_response()) return Operation::FromProto(std::move(*result.mutable_response()));
    if (result.has_error() && result.error().code() != 0) return FromRpcStatus(result.error());
    return absl::InternalError("the server answered a request of a batch with no outcome");
  }

  v1::SigningService::Stub* const stub_;
  std::vector<Waiting> waiting_;
  absl::AnyInvocable<void()> finished_;
  absl::AnyInvocable<void()> paused_;
  typename Operation::BatchRequest request_;  // one entry for each of waiting_
  typename Operation::BatchAnswer answer_;
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_BATCH_CALL_H_
