#include "client/batching_signer.h"

#include <algorithm>
#include <utility>

#include "client/await.h"
#include "client/batch_queue.h"

namespace sealward::client {
namespace {

constexpr absl::Time kNoWait = absl::InfinitePast();

BatchingSigner::Options Complete(BatchingSigner::Options options) {
  static const auto* const system_clock = new SystemClock;
  if (options.clock == nullptr) options.clock = system_clock;
  if (options.timers == nullptr) options.timers = GrpcTimers();
  options.max_batch = std::clamp<size_t>(options.max_batch, 1, kMaxBatchSize);
  options.max_queue = std::max<size_t>(options.max_queue, 1);
  options.max_batches_under_way = std::max<size_t>(options.max_batches_under_way, 1);
  return options;
}

}  // namespace

struct BatchingSigner::Queues {
  Queues(Signer* signer, const Options& options)
      : jwts(std::make_shared<BatchQueue<JwtOperation>>(signer, options)),
        raws(std::make_shared<BatchQueue<RawOperation>>(signer, options)) {}
  ~Queues() {
    jwts->Close();
    raws->Close();
  }

  const std::shared_ptr<BatchQueue<JwtOperation>> jwts;
  const std::shared_ptr<BatchQueue<RawOperation>> raws;
};

BatchingSigner::BatchingSigner(Signer* signer) : BatchingSigner(signer, Options()) {}
BatchingSigner::BatchingSigner(Signer* signer, Options options)
    : queues_(std::make_unique<Queues>(signer, Complete(std::move(options)))) {}
BatchingSigner::~BatchingSigner() = default;

absl::StatusOr<SignedJwt> BatchingSigner::SignJwt(JwtRequest request, absl::Time deadline) {
  return Await<SignedJwt>([&](Signer::JwtCallback done) {
    queues_->jwts->Push(std::move(request), deadline, deadline, std::move(done));
  });
}

void BatchingSigner::SignJwtAsync(JwtRequest request, absl::Time deadline,
                                  Signer::JwtCallback done) {
  queues_->jwts->Push(std::move(request), deadline, kNoWait, std::move(done));
}

void BatchingSigner::WhenRoom(absl::Time deadline, absl::AnyInvocable<void(absl::Status)> done) {
  queues_->jwts->WhenRoom(deadline, std::move(done));
}

absl::StatusOr<RawSignature> BatchingSigner::SignRaw(RawRequest request, absl::Time deadline) {
  return Await<RawSignature>([&](Signer::RawCallback done) {
    queues_->raws->Push(std::move(request), deadline, deadline, std::move(done));
  });
}

void BatchingSigner::SignRawAsync(RawRequest request, absl::Time deadline,
                                  Signer::RawCallback done) {
  queues_->raws->Push(std::move(request), deadline, kNoWait, std::move(done));
}

void BatchingSigner::WhenRawRoom(absl::Time deadline, absl::AnyInvocable<void(absl::Status)> done) {
  queues_->raws->WhenRoom(deadline, std::move(done));
}

}  // namespace sealward::client
