// Which version of a key signs now, without asking each time.
#ifndef SEALWARD_CLIENT_SIGNING_KEY_CACHE_H_
#define SEALWARD_CLIENT_SIGNING_KEY_CACHE_H_

#include <cstddef>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/signer.h"
#include "common/clock.h"
#include "common/timer.h"

namespace sealward::client {

// Longest that an answer is used, by this machine's clock, whatever its refresh_time
// says: clocks differ.
inline constexpr absl::Duration kMaxSigningKeyAge = absl::Seconds(60);
// The last part of an answer's life, in which it is asked for again in the background.
inline constexpr double kRefreshAhead = 0.25;
// Between two attempts in the background; longer where RetryInfo says so.
inline constexpr absl::Duration kRefreshPause = absl::Seconds(1);

// SigningKeyCache keeps what GetSigningKey answers (kid, JWK, algorithm) until its
// refresh_time, for issuers that build the JWT's header by themselves. It never
// gives out a kid after the time until which the server promised it; a version that
// an operator took away before that the server refuses with KID_NOT_SIGNING, and
// Invalidate takes note. HeaderSigner (client/header_signer.h) does all of that.
//
// One request a key is under way at a time, whoever asks. An answer is asked for
// again in the last quarter of its life, by the next Get and behind its back, so that
// no Get waits while the server answers. Where the server is away an answer is used
// to its end; where it refuses (PERMISSION_DENIED, KEY_NOT_READY) no longer.
//
// Errors: those of Signer::GetSigningKey; DEADLINE_EXCEEDED at the caller's own
// deadline; RESOURCE_EXHAUSTED (TOO_MANY_WAITERS).
//
// Threads: thread-safe. Callbacks as Signer's. The destructor answers who waits with
// CANCELLED and returns after the callbacks.
class SigningKeyCache {
 public:
  using Key = std::shared_ptr<const v1::SigningKey>;
  using Callback = absl::AnyInvocable<void(absl::StatusOr<Key>)>;

  struct Options {
    size_t max_keys = 1024;  // the one that is used up first makes place for another
    absl::Duration fetch_timeout = absl::Seconds(5);  // of a request, retries included
    const Clock* clock = nullptr;                     // for tests
    TimerFactory* timers = nullptr;                   // for tests
  };

  // REQUIRES: `signer` outlives it.
  explicit SigningKeyCache(Signer* signer);
  SigningKeyCache(Signer* signer, Options options);
  ~SigningKeyCache();

  // The version of `key` (tenants/{tenant}/keys/{key}) that signs now.
  absl::StatusOr<Key> Get(absl::string_view key, absl::Time deadline);
  // The same; `done` runs once, before this returns where the answer is there.
  void GetAsync(absl::string_view key, absl::Time deadline, Callback done);

  // The server has refused `kid`: the next Get asks anew, unless another kid has
  // come already.
  void Invalidate(absl::string_view key, absl::string_view kid);

 private:
  friend class HeaderSigner;
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_SIGNING_KEY_CACHE_H_
