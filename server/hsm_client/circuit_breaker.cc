#include "server/hsm_client/circuit_breaker.h"

#include <algorithm>

namespace sealward::hsm_client {

bool CircuitBreaker::Failed(SteadyTime now) {
  if (state_ != BreakerState::kClosed || ++failures_ < kBreakerThreshold) return false;
  state_ = BreakerState::kOpen;
  failed_probes_ = 0;
  delay_ = kFirstProbeDelay;
  next_probe_ = now + delay_;
  return true;
}

bool CircuitBreaker::TakeProbe(SteadyTime now) {
  if (state_ != BreakerState::kOpen || now < next_probe_) return false;
  state_ = BreakerState::kHalfOpen;
  return true;
}

void CircuitBreaker::ProbeEnded(bool succeeded, SteadyTime now) {
  if (succeeded) {
    state_ = BreakerState::kClosed;
    failures_ = 0;
    return;
  }
  state_ = BreakerState::kOpen;
  ++failed_probes_;
  delay_ = std::min(delay_ * 2, kLastProbeDelay);
  next_probe_ = now + delay_;
}

void CircuitBreaker::ProbeSoon(SteadyTime now) {
  if (state_ == BreakerState::kOpen) next_probe_ = std::min(next_probe_, now);
}

}  // namespace sealward::hsm_client
