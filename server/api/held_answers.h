// Answers that are kept back for a moment.
#ifndef SEALWARD_SERVER_API_HELD_ANSWERS_H_
#define SEALWARD_SERVER_API_HELD_ANSWERS_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/timer.h"

namespace sealward::api {

// How long a refusal is kept back from one who floods: spread out, because what is refused
// together would else come again together.
inline constexpr absl::Duration kMinRefusalHold = absl::Milliseconds(125);
inline constexpr absl::Duration kMaxRefusalHold = absl::Milliseconds(375);
// Refusals kept back at once; one more goes out at once.
inline constexpr size_t kMaxHeldAnswers = 2048;

// HeldAnswers keeps back the refusals of clients that do not slow down. A refusal costs
// the server what gRPC and TLS cost; a client has a bounded number of calls under way
// (kMaxStreamsPerConnection, kMaxCallsPerPrincipal) and asks again when one is answered, so that
// late answers are fewer refusals. A client that waits as RetryInfo says does not come here
// (Limiter::Admit). Thread-safe.
class HeldAnswers {
 public:
  // `timers` outlives this; null for gRPC's.
  explicit HeldAnswers(TimerFactory* timers = nullptr);
  // Answers what is held soon, on threads of the timers'.
  ~HeldAnswers();
  HeldAnswers(const HeldAnswers&) = delete;
  HeldAnswers& operator=(const HeldAnswers&) = delete;

  // Runs `answer` after kMinRefusalHold to kMaxRefusalHold, but in time for a caller who waits
  // until `deadline`; at once, on this thread, where that is no time or where kMaxHeldAnswers wait.
  void Hold(absl::Time now, absl::Time deadline, absl::AnyInvocable<void()> answer);

 private:
  // Outlives this: an answer may come after it.
  struct Held {
    absl::Mutex mu;
    uint64_t next ABSL_GUARDED_BY(mu) = 0;
    absl::flat_hash_map<uint64_t, std::shared_ptr<Timer>> timers ABSL_GUARDED_BY(mu);
  };

  TimerFactory* const timers_;
  const std::shared_ptr<Held> held_ = std::make_shared<Held>();
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_HELD_ANSWERS_H_
