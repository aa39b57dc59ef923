// Private to client/: an RPC with one request and one answer.
#ifndef SEALWARD_CLIENT_UNARY_CALL_H_
#define SEALWARD_CLIENT_UNARY_CALL_H_

#include <functional>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "client/retrying_call.h"

namespace sealward::client {

// UnaryCall sends `request` with `start` until there is an answer.
template <typename Request, typename Answer>
class UnaryCall final : public RetryingCall {
 public:
  // The arguments outlive the RPC.
  using Start = std::function<void(grpc::ClientContext*, const Request*, Answer*,
                                   std::function<void(grpc::Status)>)>;
  using Done = absl::AnyInvocable<void(absl::StatusOr<Answer>)>;

  UnaryCall(const RetryEnvironment& environment, absl::string_view method, absl::Time deadline,
            Request request, Start start, Done done)
      : RetryingCall(environment, method, deadline, 1),
        request_(std::move(request)),
        start_(std::move(start)),
        done_(std::move(done)) {}

 private:
  void Send(grpc::ClientContext* context, std::function<void(grpc::Status)> done) override {
    start_(context, &request_, &answer_, std::move(done));
  }
  Progress Absorb(absl::Status outcome) override {
    if (outcome.ok()) return {.succeeded = 1};
    return {.left = std::move(outcome), .open = 1};
  }
  void Finish(absl::Status status) override {
    // What it holds goes before the Signer's destructor returns.
    Done done = std::exchange(done_, nullptr);
    if (status.ok()) return done(std::move(answer_));
    done(std::move(status));
  }

  const Request request_;
  Answer answer_;
  const Start start_;
  Done done_;
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_UNARY_CALL_H_
