#include "client/signer.h"

#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "client/await.h"
#include "client/batch_call.h"
#include "client/call_set.h"
#include "client/callback_scope.h"
#include "client/operations.h"
#include "client/retrying_call.h"
#include "client/unary_call.h"
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

// For CallSet::Add: asynchronous calls do not wait for room.
constexpr absl::Time kNoWait = absl::InfinitePast();

absl::Status CheckBatchSize(size_t size) {
  if (size >= 1 && size <= kMaxBatchSize) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "BATCH_SIZE_INVALID",
                   absl::StrCat("a batch holds 1 to ", kMaxBatchSize, " requests, not ", size));
}

}  // namespace

struct Signer::Core {
  Core(std::shared_ptr<Connection> c, Options options)
      : connection(std::move(c)),
        stub(v1::SigningService::NewStub(connection->channel())),
        metrics(std::move(options.metrics)),
        clock(options.clock != nullptr ? options.clock : SystemClockInstance()),
        timers(options.timers != nullptr ? options.timers : GrpcTimers()),
        calls(options.max_calls, clock, timers),
        budget(options.retry_budget),
        environment{options.retry,
                    clock,
                    timers,
                    options.random ? std::move(options.random) : ThreadRandom,
                    connection->target(),
                    &calls,
                    &budget,
                    metrics.get()} {}
  ~Core() { calls.CancelAllAndWait(); }

  // `wait_until`: for room (CallSet::Add).
  template <typename Operation>
  void Sign(typename Operation::Request request, absl::Time deadline, absl::Time wait_until,
            absl::AnyInvocable<void(absl::StatusOr<typename Operation::Answer>)> done) {
    using Call = UnaryCall<typename Operation::ProtoRequest, typename Operation::ProtoAnswer>;
    RetryingCall::Run(
        std::make_shared<Call>(
            environment, Operation::kMethod, deadline, Operation::ToProto(std::move(request)),
            [stub = stub.get()](auto* context, auto* proto, auto* answer, auto finished) {
              Operation::Start(stub, context, proto, answer, std::move(finished));
            },
            [done =
                 std::move(done)](absl::StatusOr<typename Operation::ProtoAnswer> answer) mutable {
              if (!answer.ok()) return done(answer.status());
              done(Operation::FromProto(*std::move(answer)));
            }),
        wait_until);
  }

  template <typename Operation>
  absl::StatusOr<typename Operation::Answer> SignAndWait(typename Operation::Request request,
                                                         absl::Time deadline) {
    return Await<typename Operation::Answer>([&](auto done) {
      Sign<Operation>(std::move(request), deadline, deadline, std::move(done));
    });
  }

  template <typename Operation>
  void SignBatch(std::vector<typename BatchCall<Operation>::Item> items, absl::Time deadline,
                 absl::Time wait_until, absl::AnyInvocable<void()> finished,
                 absl::AnyInvocable<void()> paused) {
    RetryingCall::Run(
        std::make_shared<BatchCall<Operation>>(environment, stub.get(), deadline, std::move(items),
                                               std::move(finished), std::move(paused)),
        wait_until);
  }

  template <typename Operation>
  absl::StatusOr<std::vector<absl::StatusOr<typename Operation::Answer>>> SignBatchAndWait(
      std::vector<typename Operation::Request> requests, absl::Time deadline) {
    using Outcome = absl::StatusOr<typename Operation::Answer>;
    if (absl::Status status = CallbackScope::MayBlock(); !status.ok()) return status;
    if (absl::Status status = CheckBatchSize(requests.size()); !status.ok()) return status;
    std::vector<Outcome> results(requests.size());
    std::vector<typename BatchCall<Operation>::Item> items;
    items.reserve(requests.size());
    for (size_t i = 0; i < requests.size(); ++i) {
      items.push_back({std::move(requests[i]),
                       [&results, i](Outcome outcome) { results[i] = std::move(outcome); }});
    }
    absl::Notification finished;
    SignBatch<Operation>(
        std::move(items), deadline, deadline, [&finished] { finished.Notify(); }, nullptr);
    finished.WaitForNotification();
    return results;
  }

  void GetSigningKey(absl::string_view key, absl::Time deadline, absl::Time wait_until,
                     SigningKeyCallback done) {
    v1::GetSigningKeyRequest request;
    request.set_key(std::string(key));
    RetryingCall::Run(
        std::make_shared<UnaryCall<v1::GetSigningKeyRequest, v1::SigningKey>>(
            environment, "GetSigningKey", deadline, std::move(request),
            [stub = stub.get()](auto* context, auto* proto, auto* answer, auto finished) {
              stub->async()->GetSigningKey(context, proto, answer, std::move(finished));
            },
            std::move(done)),
        wait_until);
  }

  const std::shared_ptr<Connection> connection;
  const std::unique_ptr<v1::SigningService::Stub> stub;
  const std::shared_ptr<Metrics> metrics;
  const Clock* const clock;
  TimerFactory* const timers;
  CallSet calls;
  RetryBudget budget;
  const RetryEnvironment environment;
};

Signer::Signer(std::shared_ptr<Connection> connection) : Signer(std::move(connection), Options()) {}
Signer::Signer(std::shared_ptr<Connection> connection, Options options)
    : core_(std::make_unique<Core>(std::move(connection), std::move(options))) {}
Signer::~Signer() = default;

absl::StatusOr<SignedJwt> Signer::SignJwt(JwtRequest request, absl::Time deadline) {
  return core_->SignAndWait<JwtOperation>(std::move(request), deadline);
}

void Signer::SignJwtAsync(JwtRequest request, absl::Time deadline, JwtCallback done) {
  core_->Sign<JwtOperation>(std::move(request), deadline, kNoWait, std::move(done));
}

absl::StatusOr<Signer::BatchResult> Signer::SignJwtBatch(std::vector<JwtRequest> requests,
                                                         absl::Time deadline) {
  return core_->SignBatchAndWait<JwtOperation>(std::move(requests), deadline);
}

void Signer::SignJwtBatchAsync(std::vector<BatchItem> items, absl::Time deadline,
                               absl::AnyInvocable<void()> finished,
                               absl::AnyInvocable<void()> paused) {
  core_->SignBatch<JwtOperation>(std::move(items), deadline, kNoWait, std::move(finished),
                                 std::move(paused));
}

absl::StatusOr<RawSignature> Signer::SignRaw(RawRequest request, absl::Time deadline) {
  return core_->SignAndWait<RawOperation>(std::move(request), deadline);
}

void Signer::SignRawAsync(RawRequest request, absl::Time deadline, RawCallback done) {
  core_->Sign<RawOperation>(std::move(request), deadline, kNoWait, std::move(done));
}

absl::StatusOr<Signer::RawBatchResult> Signer::SignRawBatch(std::vector<RawRequest> requests,
                                                            absl::Time deadline) {
  return core_->SignBatchAndWait<RawOperation>(std::move(requests), deadline);
}

void Signer::SignRawBatchAsync(std::vector<RawBatchItem> items, absl::Time deadline,
                               absl::AnyInvocable<void()> finished,
                               absl::AnyInvocable<void()> paused) {
  core_->SignBatch<RawOperation>(std::move(items), deadline, kNoWait, std::move(finished),
                                 std::move(paused));
}

absl::StatusOr<v1::SigningKey> Signer::GetSigningKey(absl::string_view key, absl::Time deadline) {
  return Await<v1::SigningKey>([&](SigningKeyCallback done) {
    core_->GetSigningKey(key, deadline, deadline, std::move(done));
  });
}

void Signer::GetSigningKeyAsync(absl::string_view key, absl::Time deadline,
                                SigningKeyCallback done) {
  core_->GetSigningKey(key, deadline, kNoWait, std::move(done));
}

void Signer::WhenRoom(absl::Time deadline, absl::AnyInvocable<void(absl::Status)> done) {
  core_->calls.WhenRoom(deadline, std::move(done));
}

}  // namespace sealward::client
