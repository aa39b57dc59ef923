// Batches without the caller's doing: many single requests, few round trips.
#ifndef SEALWARD_CLIENT_BATCHING_SIGNER_H_
#define SEALWARD_CLIENT_BATCHING_SIGNER_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
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
// Errors: those of Signer, and RESOURCE_EXHAUSTED (CLIENT_QUEUE_FULL) where
// max_queue requests wait already; INVALID_ARGUMENT (CLAIMS_INVALID) for claims
// over kMaxClaimsBytes, which would not fit into a batch.
//
// Threads: thread-safe. Callbacks as Signer's. The destructor answers
// everything that is open with CANCELLED and returns after its callbacks.
class BatchingSigner {
 public:
  struct Options {
    size_t max_batch = 64;                            // 1 to kMaxBatchSize
    absl::Duration max_wait = absl::Milliseconds(1);  // for company
    size_t max_queue = 8192;                          // requests that wait
    size_t max_batches_under_way = 4;                 // slots
    const Clock* clock = nullptr;                     // for tests
    TimerFactory* timers = nullptr;                   // for tests
  };

  // Longest claims, as the server's limit; and the most claims in one batch, so
  // that a batch stays below the server's message limit of 4 MiB.
  static constexpr size_t kMaxClaimsBytes = 65'536;
  static constexpr size_t kMaxBatchBytes = 3 * 1024 * 1024;

  // REQUIRES: `signer` outlives it.
  explicit BatchingSigner(Signer* signer);
  BatchingSigner(Signer* signer, Options options);
  ~BatchingSigner();

  // As Signer.
  absl::StatusOr<SignedJwt> SignJwt(JwtRequest request, absl::Time deadline);
  void SignJwtAsync(JwtRequest request, absl::Time deadline, Signer::JwtCallback done);

 private:
  class Queue;
  std::shared_ptr<Queue> queue_;
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_BATCHING_SIGNER_H_
