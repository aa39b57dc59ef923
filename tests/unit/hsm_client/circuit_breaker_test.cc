// When an HSM is taken for gone, and when it is asked again. If these go, callers
// could wait for an HSM that is not there, or a healthy one could be refused for ever.
#include "server/hsm_client/circuit_breaker.h"

#include <gtest/gtest.h>

namespace sealward::hsm_client {
namespace {

using std::chrono::milliseconds;

constexpr CircuitBreaker::SteadyTime kStart{std::chrono::hours{1}};

class CircuitBreakerTest : public ::testing::Test {
 protected:
  void Open() {
    for (int i = 0; i < kBreakerThreshold; ++i) breaker_.Failed(now_);
  }
  // Lets a probe fail as soon as it is due; how long that was after the last.
  milliseconds FailProbe() {
    const auto before = now_;
    EXPECT_FALSE(breaker_.TakeProbe(breaker_.next_probe() - milliseconds(1)));
    now_ = breaker_.next_probe();
    EXPECT_TRUE(breaker_.TakeProbe(now_));
    breaker_.ProbeEnded(false, now_);
    return std::chrono::duration_cast<milliseconds>(now_ - before);
  }

  CircuitBreaker breaker_;
  CircuitBreaker::SteadyTime now_ = kStart;
};

TEST_F(CircuitBreakerTest, OpensAfterFailuresInARowOnly) {
  for (int i = 0; i < 100; ++i) {
    for (int k = 1; k < kBreakerThreshold; ++k) EXPECT_FALSE(breaker_.Failed(now_));
    breaker_.Succeeded();
  }
  EXPECT_EQ(breaker_.state(), BreakerState::kClosed);
  for (int k = 1; k < kBreakerThreshold; ++k) EXPECT_FALSE(breaker_.Failed(now_));
  EXPECT_TRUE(breaker_.Failed(now_));
  EXPECT_EQ(breaker_.state(), BreakerState::kOpen);
  EXPECT_FALSE(breaker_.Failed(now_)) << "told once";
}

TEST_F(CircuitBreakerTest, OnlyAProbeClosesIt) {
  Open();
  breaker_.Succeeded();  // a late answer
  EXPECT_EQ(breaker_.state(), BreakerState::kOpen);
  now_ = breaker_.next_probe();
  ASSERT_TRUE(breaker_.TakeProbe(now_));
  EXPECT_EQ(breaker_.state(), BreakerState::kHalfOpen);
  EXPECT_FALSE(breaker_.TakeProbe(now_)) << "one at a time";
  breaker_.Failed(now_);  // late as well: the probe decides
  EXPECT_EQ(breaker_.state(), BreakerState::kHalfOpen);
  breaker_.ProbeEnded(true, now_);
  EXPECT_EQ(breaker_.state(), BreakerState::kClosed);
  // From nothing again.
  EXPECT_FALSE(breaker_.Failed(now_));
}

TEST_F(CircuitBreakerTest, ProbesBackOffToALimitAndBeginAnewWithTheNextOutage) {
  Open();
  EXPECT_EQ(breaker_.next_probe(), now_ + kFirstProbeDelay);
  EXPECT_EQ(FailProbe(), kFirstProbeDelay);
  EXPECT_EQ(FailProbe(), 2 * kFirstProbeDelay);
  milliseconds last{};
  for (int i = 0; i < 20; ++i) last = FailProbe();
  EXPECT_EQ(last, kLastProbeDelay);
  EXPECT_EQ(breaker_.failed_probes(), 22);
  now_ = breaker_.next_probe();
  ASSERT_TRUE(breaker_.TakeProbe(now_));
  breaker_.ProbeEnded(true, now_);
  Open();
  EXPECT_EQ(breaker_.next_probe(), now_ + kFirstProbeDelay);
  EXPECT_EQ(breaker_.failed_probes(), 0);
}

TEST_F(CircuitBreakerTest, GoodNewsBringAProbeForward) {
  breaker_.ProbeSoon(now_);
  EXPECT_FALSE(breaker_.TakeProbe(now_)) << "closed: nothing to probe";
  Open();
  for (int i = 0; i < 10; ++i) FailProbe();
  EXPECT_FALSE(breaker_.TakeProbe(now_));
  breaker_.ProbeSoon(now_);
  EXPECT_TRUE(breaker_.TakeProbe(now_));
}

}  // namespace
}  // namespace sealward::hsm_client
