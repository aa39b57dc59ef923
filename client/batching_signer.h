// Batches without the caller's doing: many single requests, few round trips.
#ifndef SEALWARD_CLIENT_BATCHING_SIGNER_H_
#define SEALWARD_CLIENT_BATCHING_SIGNER_H_

#include <cstddef>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/metrics.h"
#include "client/signer.h"

namespace sealward::client {

// BatchingSigner gathers requests that arrive close together into batches of
// one Signer.
//
// A request that finds no batch under way leaves at once; so with little load
// this costs nothing. Otherwise it waits, at most max_wait, until its batch is
// full, or until the ones under way have come back; longer only while all slots
// are taken. Its answer then comes with its batch, after the slowest signature
// in it instead of its own: that is the price. On two cores batches of 64 gave
// about 1.5 times the rate of single calls at 128 in flight.
//
// Deadlines hold for each request, in the queue and under way: it is answered
// with DEADLINE_EXCEEDED at its own, whatever its batch does.
//
// Backpressure: at most max_queue requests wait. SignJwt waits for room until its
// deadline; SignJwtAsync does not block, and WhenRoom says when to try again. A slot
// is taken until the server has answered for some request of its batch. A server
// that answers for none (UNAVAILABLE, OVERLOADED for all) therefore gets no further
// batches while its RetryInfo runs; the quota of one key holds up nobody else.
//
// Errors: those of Signer, and RESOURCE_EXHAUSTED (CLIENT_QUEUE_FULL) where
// max_queue requests wait already; INVALID_ARGUMENT (CLAIMS_INVALID,
// SIGNING_INPUT_INVALID, RAW_INPUT_INVALID) at once for what is over the limits that
// requests.h names.
//
// Threads: thread-safe. Callbacks as Signer's, and on timers' threads. The destructor answers
// everything that is open with CANCELLED and returns after its callbacks.
class BatchingSigner {
 public:
  struct Options {
    size_t max_batch = 64;                            // 1 to kMaxBatchSize
    absl::Duration max_wait = absl::Milliseconds(1);  // for company
    size_t max_queue = 8192;                          // requests that wait
    size_t max_batches_under_way = 4;                 // slots
    std::shared_ptr<Metrics> metrics = nullptr;       // of batches; calls: the Signer's
    const Clock* clock = nullptr;                     // for tests
    TimerFactory* timers = nullptr;                   // for tests
  };

  // The most bytes to sign in one batch, so that a batch stays below the server's
  // message limit of 4 MiB.
  static constexpr size_t kMaxBatchBytes = 3 * 1024 * 1024;

  // REQUIRES: `signer` outlives it.
  explicit BatchingSigner(Signer* signer);
  BatchingSigner(Signer* signer, Options options);
  ~BatchingSigner();

  // As Signer.
  absl::StatusOr<SignedJwt> SignJwt(JwtRequest request, absl::Time deadline);
  void SignJwtAsync(JwtRequest request, absl::Time deadline, Signer::JwtCallback done);

  // Runs `done` once there is room in the queue; as Signer::WhenRoom.
  void WhenRoom(absl::Time deadline, absl::AnyInvocable<void(absl::Status)> done);

  // The same for bytes of any meaning. They have a queue, slots and limits of their
  // own, as large as those of JWTs.
  absl::StatusOr<RawSignature> SignRaw(RawRequest request, absl::Time deadline);
  void SignRawAsync(RawRequest request, absl::Time deadline, Signer::RawCallback done);
  void WhenRawRoom(absl::Time deadline, absl::AnyInvocable<void(absl::Status)> done);

 private:
  struct Queues;
  std::unique_ptr<Queues> queues_;
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_BATCHING_SIGNER_H_
