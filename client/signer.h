// Getting JWTs signed: the client library's main class.
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
#include "client/retry.h"
#include "common/clock.h"
#include "common/timer.h"
#include "sealward/v1/signing_service.pb.h"

namespace sealward::client {

// Most requests in one batch; the server's limit.
inline constexpr size_t kMaxBatchSize = 256;

// JwtRequest asks for one JWT.
struct JwtRequest {
  std::string key;     // tenants/{tenant}/keys/{key}
  std::string claims;  // one JSON object in UTF-8, at most 65,536 bytes; signed verbatim
  std::string typ;     // the header's typ; empty for the key's default
};

// SignedJwt is a JWT in compact form (RFC 7515 section 7.1), with the kid of the
// version that signed it.
struct SignedJwt {
  std::string jwt;
  std::string kid;
};

// Signer signs JWTs over a Connection and asks again, within the deadline, when
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
// error is returned at once. Repeating is safe: a lost answer only wastes a
// signature.
//
// Deadlines are points in time by CLOCK_REALTIME and cover all attempts.
//
// Threads: thread-safe. Callbacks run on threads of gRPC, must not block and must
// not destroy the Signer; they may start further calls. The destructor cancels
// what is under way and returns after its callbacks.
class Signer {
 public:
  struct Options {
    RetryPolicy retry = {};
    size_t max_calls = 4096;  // under way at a time, batches counted once
    // For tests; the defaults are the system clock, gRPC's timers and a
    // generator for each thread.
    const Clock* clock = nullptr;
    TimerFactory* timers = nullptr;
    std::function<double()> random = nullptr;  // uniform in [0, 1); called from any thread
  };

  using JwtCallback = absl::AnyInvocable<void(absl::StatusOr<SignedJwt>)>;
  using BatchResult = std::vector<absl::StatusOr<SignedJwt>>;
  // One request of an asynchronous batch with its own callback.
  struct BatchItem {
    JwtRequest request;
    JwtCallback done;
  };

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
  // (requests that are retried do not hold up the others), then `finished`.
  // REQUIRES: 1 to kMaxBatchSize items.
  void SignJwtBatchAsync(std::vector<BatchItem> items, absl::Time deadline,
                         absl::AnyInvocable<void()> finished);

  // Says which version of `key` signs now, with its JWK and when to ask again.
  absl::StatusOr<v1::SigningKey> GetSigningKey(absl::string_view key, absl::Time deadline);

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_SIGNER_H_
