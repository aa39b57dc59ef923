// Getting JWTs and other things signed: the client library's main class.
#ifndef SEALWARD_CLIENT_SIGNER_H_
#define SEALWARD_CLIENT_SIGNER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/connection.h"
#include "client/metrics.h"
#include "client/requests.h"
#include "client/retry.h"
#include "client/retry_budget.h"
#include "common/clock.h"
#include "common/timer.h"
#include "sealward/v1/signing_service.pb.h"

namespace sealward::client {

// Signer signs JWTs, and raw bytes, over a Connection and asks again, within the deadline, when
// the server cannot right now.
//
// Errors are those of sealward.v1.SigningService, with google.rpc.ErrorInfo and
// RetryInfo as payloads (common/errors.h reads them); the usual ones:
// INVALID_ARGUMENT (CLAIMS_INVALID), FAILED_PRECONDITION (CLAIMS_OUT_OF_SCOPE,
// KEY_NOT_READY), PERMISSION_DENIED (not yours, or not there),
// DEADLINE_EXCEEDED. Besides: UNAVAILABLE (CONNECTION_FAILED) without a
// connection, RESOURCE_EXHAUSTED (TOO_MANY_CALLS), and CANCELLED when the
// Signer goes.
//
// Retries: UNAVAILABLE, and RESOURCE_EXHAUSTED with RetryInfo, never sooner than
// RetryInfo says; where the pause does not fit before the deadline, the last
// error is returned at once. So it is where the RetryBudget of this Signer is
// empty: a server that fails everybody does not get its load several times over.
// Repeating is safe: a lost answer only wastes a signature.
//
// Backpressure: at most max_calls are under way. The forms that wait for their
// answer wait for room too, until their deadline (then TOO_MANY_CALLS). The
// asynchronous ones never block: without room `done` gets TOO_MANY_CALLS at once,
// and WhenRoom says when to try again.
//
// Deadlines are points in time by CLOCK_REALTIME and cover all attempts.
//
// Threads: thread-safe. Callbacks run on threads of gRPC, or on the caller's where
// a request is refused at once; they must not block and must not destroy the
// Signer; they may start further calls. A form that waits answers in a callback
// with FAILED_PRECONDITION (CALLED_IN_CALLBACK) at once, because it would wait for
// its own thread. The destructor cancels what is under way and returns after its
// callbacks.
class Signer {
 public:
  struct Options {
    RetryPolicy retry = {};
    RetryBudgetLimits retry_budget = {};
    size_t max_calls = 4096;  // under way at a time, batches counted once
    std::shared_ptr<Metrics> metrics = nullptr;
    // For tests; the defaults are the system clock, gRPC's timers and a
    // generator for each thread.
    const Clock* clock = nullptr;
    TimerFactory* timers = nullptr;
    std::function<double()> random = nullptr;  // uniform in [0, 1); called from any thread
  };

  using JwtCallback = absl::AnyInvocable<void(absl::StatusOr<SignedJwt>)>;
  using BatchResult = std::vector<absl::StatusOr<SignedJwt>>;
  using BatchItem = BatchItemOf<JwtRequest, SignedJwt>;
  using RawCallback = absl::AnyInvocable<void(absl::StatusOr<RawSignature>)>;
  using RawBatchResult = std::vector<absl::StatusOr<RawSignature>>;
  using RawBatchItem = BatchItemOf<RawRequest, RawSignature>;
  using SigningKeyCallback = absl::AnyInvocable<void(absl::StatusOr<v1::SigningKey>)>;

  explicit Signer(std::shared_ptr<Connection> connection);
  Signer(std::shared_ptr<Connection> connection, Options options);
  ~Signer();

  // Signs one JWT and waits for it.
  absl::StatusOr<SignedJwt> SignJwt(JwtRequest request, absl::Time deadline);
  // The same; `done` runs exactly once.
  void SignJwtAsync(JwtRequest request, absl::Time deadline, JwtCallback done);

  // Signs 1 to kMaxBatchSize JWTs in one round trip: answers in the order of the
  // requests, each a success or an error of its own. INVALID_ARGUMENT
  // (BATCH_SIZE_INVALID) for another number. Only requests that failed are sent
  // again.
  absl::StatusOr<BatchResult> SignJwtBatch(std::vector<JwtRequest> requests, absl::Time deadline);
  // The same: each `done` runs exactly once, as soon as its outcome is final
  // (requests that are retried do not hold up the others), then `finished`. Once
  // some are answered and the others are to be sent again, `paused` runs, at most
  // once: who keeps a number of batches under way may send another one now.
  // REQUIRES: 1 to kMaxBatchSize items.
  void SignJwtBatchAsync(std::vector<BatchItem> items, absl::Time deadline,
                         absl::AnyInvocable<void()> finished,
                         absl::AnyInvocable<void()> paused = nullptr);

  // The same for bytes of any meaning, with keys of purpose RAW. Errors besides:
  // INVALID_ARGUMENT (RAW_INPUT_INVALID), FAILED_PRECONDITION (PURPOSE_MISMATCH, and
  // KID_NOT_SIGNING for a request that names a kid).
  absl::StatusOr<RawSignature> SignRaw(RawRequest request, absl::Time deadline);
  void SignRawAsync(RawRequest request, absl::Time deadline, RawCallback done);
  absl::StatusOr<RawBatchResult> SignRawBatch(std::vector<RawRequest> requests,
                                              absl::Time deadline);
  void SignRawBatchAsync(std::vector<RawBatchItem> items, absl::Time deadline,
                         absl::AnyInvocable<void()> finished,
                         absl::AnyInvocable<void()> paused = nullptr);

  // Says which version of `key` signs now, with its JWK and when to ask again.
  // client/signing_key_cache.h keeps the answer for as long as it holds.
  absl::StatusOr<v1::SigningKey> GetSigningKey(absl::string_view key, absl::Time deadline);
  void GetSigningKeyAsync(absl::string_view key, absl::Time deadline, SigningKeyCallback done);

  // Runs `done` once there is room for an asynchronous call, with OK, on a thread of
  // gRPC; others may take that room before: then ask again. Whoever asked first is
  // told first. DEADLINE_EXCEEDED at `deadline`, CANCELLED when the Signer goes, and
  // RESOURCE_EXHAUSTED (TOO_MANY_WAITERS) where 65,536 wait already.
  void WhenRoom(absl::Time deadline, absl::AnyInvocable<void(absl::Status)> done);

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_SIGNER_H_
