// Whether it makes sense to ask the HSM at all.
#ifndef SEALWARD_SERVER_HSM_CLIENT_CIRCUIT_BREAKER_H_
#define SEALWARD_SERVER_HSM_CLIENT_CIRCUIT_BREAKER_H_

#include <chrono>

namespace sealward::hsm_client {

// So many failures in a row that say "the HSM is gone", over all processes of the
// partition, open it. One is what a single process's lost session looks like.
inline constexpr int kBreakerThreshold = 3;
// From the opening to the first probe; doubles with each that fails, up to the last.
inline constexpr std::chrono::milliseconds kFirstProbeDelay{100};
inline constexpr std::chrono::milliseconds kLastProbeDelay{5000};

// BreakerState is how the partition's operations are treated.
enum class BreakerState {
  kClosed,    // they go to the HSM
  kHalfOpen,  // a probe is under way; everything else is refused at once
  kOpen,      // everything is refused at once until the next probe is due
};

// CircuitBreaker models what is known of the HSM behind a partition: how many
// operations in a row found it gone, and when to look whether it is back. While it
// is not closed, nobody waits for what will not come. Time is passed in; it counts
// on a steady clock. Not thread-safe.
class CircuitBreaker {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // The HSM did something. Ends a row of failures, but closes nothing: it may be
  // the answer to a question from before.
  void Succeeded() { failures_ = 0; }

  // An operation, a start or a process that hangs found the HSM gone. Whether that
  // opened the breaker.
  bool Failed(SteadyTime now);

  // Whether the caller is to send a probe; it is half-open until ProbeEnded.
  bool TakeProbe(SteadyTime now);

  // How the probe ended. REQUIRES: state() is kHalfOpen.
  void ProbeEnded(bool succeeded, SteadyTime now);

  // Something has changed for the better (a process has logged in and tested itself):
  // an open breaker's next probe is due at once.
  void ProbeSoon(SteadyTime now);

  BreakerState state() const { return state_; }

  // When the next probe is due. REQUIRES: state() is kOpen.
  SteadyTime next_probe() const { return next_probe_; }

  // Probes that failed since it opened.
  int failed_probes() const { return failed_probes_; }

 private:
  BreakerState state_ = BreakerState::kClosed;
  int failures_ = 0;  // in a row
  int failed_probes_ = 0;
  std::chrono::milliseconds delay_ = kFirstProbeDelay;
  SteadyTime next_probe_;
};

}  // namespace sealward::hsm_client

#endif  // SEALWARD_SERVER_HSM_CLIENT_CIRCUIT_BREAKER_H_
