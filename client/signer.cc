#include "client/signer.h"

#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "client/batch_call.h"
#include "client/retrying_call.h"
#include "common/errors.h"
#include "sealward/v1/signing_service.grpc.pb.h"

namespace sealward::client {
namespace {

double ThreadRandom() {
  thread_local absl::InsecureBitGen generator;
  return absl::Uniform(generator, 0.0, 1.0);
}

const Clock* SystemClockInstance() {
  static const auto* const clock = new SystemClock;
  return clock;
}

// UnaryCall is an RPC with one request and one response.
template <typename Request, typename Response>
class UnaryCall final : public RetryingCall {
 public:
  using Start = std::function<void(grpc::ClientContext*, const Request*, Response*,
                                   std::function<void(grpc::Status)>)>;
  using Done = absl::AnyInvocable<void(absl::StatusOr<Response>)>;

  UnaryCall(const RetryEnvironment& environment, absl::Time deadline, Request request, Start start,
            Done done)
      : RetryingCall(environment, deadline),
        request_(std::move(request)),
        start_(std::move(start)),
        done_(std::move(done)) {}

 private:
  void Send(grpc::ClientContext* context, std::function<void(grpc::Status)> done) override {
    start_(context, &request_, &response_, std::move(done));
  }
  void Finish(absl::Status status) override {
    if (status.ok()) return done_(std::move(response_));
    done_(std::move(status));
  }

  const Request request_;
  Response response_;
  const Start start_;
  Done done_;
};

// Runs an asynchronous call and waits for what its callback gets.
template <typename T, typename StartFunction>
absl::StatusOr<T> Await(StartFunction start) {
  absl::StatusOr<T> result;
  absl::Notification finished;
  start([&result, &finished](absl::StatusOr<T> outcome) {
    result = std::move(outcome);
    finished.Notify();
  });
  finished.WaitForNotification();
  return result;
}

}  // namespace

struct Signer::Core {
  Core(std::shared_ptr<Connection> c, Options options)
      : connection(std::move(c)),
        stub(v1::SigningService::NewStub(connection->channel())),
        calls(options.max_calls),
        environment{options.retry,
                    options.clock != nullptr ? options.clock : SystemClockInstance(),
                    options.timers != nullptr ? options.timers : GrpcTimers(),
                    options.random ? std::move(options.random) : ThreadRandom,
                    connection->target(),
                    &calls} {}
  ~Core() { calls.CancelAllAndWait(); }

  const std::shared_ptr<Connection> connection;
  const std::unique_ptr<v1::SigningService::Stub> stub;
  CallSet calls;
  const RetryEnvironment environment;
};

Signer::Signer(std::shared_ptr<Connection> connection) : Signer(std::move(connection), Options()) {}
Signer::Signer(std::shared_ptr<Connection> connection, Options options)
    : core_(std::make_unique<Core>(std::move(connection), std::move(options))) {}
Signer::~Signer() = default;

void Signer::SignJwtAsync(JwtRequest request, absl::Time deadline, JwtCallback done) {
  using Call = UnaryCall<v1::SignJwtRequest, v1::SignJwtResponse>;
  RetryingCall::Run(std::make_shared<Call>(
      core_->environment, deadline, ToProto(std::move(request)),
      [stub = core_->stub.get()](auto* context, auto* proto, auto* response, auto finished) {
        stub->async()->SignJwt(context, proto, response, std::move(finished));
      },
      [done = std::move(done)](absl::StatusOr<v1::SignJwtResponse> response) mutable {
        if (!response.ok()) return done(response.status());
        done(FromProto(*std::move(response)));
      }));
}

absl::StatusOr<SignedJwt> Signer::SignJwt(JwtRequest request, absl::Time deadline) {
  return Await<SignedJwt>(
      [&](JwtCallback done) { SignJwtAsync(std::move(request), deadline, std::move(done)); });
}

void Signer::SignJwtBatchAsync(std::vector<BatchItem> items, absl::Time deadline,
                               absl::AnyInvocable<void()> finished) {
  RetryingCall::Run(std::make_shared<BatchCall>(core_->environment, core_->stub.get(), deadline,
                                                std::move(items), std::move(finished)));
}

absl::StatusOr<Signer::BatchResult> Signer::SignJwtBatch(std::vector<JwtRequest> requests,
                                                         absl::Time deadline) {
  if (requests.empty() || requests.size() > kMaxBatchSize) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "BATCH_SIZE_INVALID",
        absl::StrCat("a batch holds 1 to ", kMaxBatchSize, " requests, not ", requests.size()));
  }
  BatchResult results(requests.size());
  std::vector<BatchItem> items;
  items.reserve(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    items.push_back({std::move(requests[i]), [&results, i](absl::StatusOr<SignedJwt> outcome) {
                       results[i] = std::move(outcome);
                     }});
  }
  absl::Notification finished;
  SignJwtBatchAsync(std::move(items), deadline, [&finished] { finished.Notify(); });
  finished.WaitForNotification();
  return results;
}

absl::StatusOr<v1::SigningKey> Signer::GetSigningKey(absl::string_view key, absl::Time deadline) {
  using Call = UnaryCall<v1::GetSigningKeyRequest, v1::SigningKey>;
  v1::GetSigningKeyRequest request;
  request.set_key(std::string(key));
  return Await<v1::SigningKey>([&](Call::Done done) {
    RetryingCall::Run(std::make_shared<Call>(
        core_->environment, deadline, std::move(request),
        [stub = core_->stub.get()](auto* context, auto* proto, auto* response, auto finished) {
          stub->async()->GetSigningKey(context, proto, response, std::move(finished));
        },
        std::move(done)));
  });
}

}  // namespace sealward::client
