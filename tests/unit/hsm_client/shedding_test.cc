// What would miss its deadline is refused when it comes. If these go, a server under too much
// load answers nobody in time, or refuses what it could have served.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "server/hsm_client/service_estimate.h"
#include "tests/unit/hsm_client/dispatcher_fixture.h"

namespace sealward::hsm_client {
namespace {

using ::testing::SizeIs;

// One process that takes a millisecond for a unit of cost.
class SheddingTest : public DispatcherTest {
 protected:
  SheddingTest() : dispatcher_(1) { dispatcher_.Open(0, nullptr, kNow, kSteady); }

  void Submit(std::vector<Partition::Submission> submissions) {
    Take(dispatcher_.Submit(std::move(submissions), Now(), steady_));
  }
  // The process answers the packet that it has had longest.
  void Serve() {
    ASSERT_FALSE(sent_.empty());
    steady_ += std::chrono::milliseconds(sent_.front().operations_size());
    auto answer = AnswerTo(sent_.front());
    sent_.erase(sent_.begin());
    auto work = dispatcher_.Answer(0, answer, Now(), steady_);
    ASSERT_TRUE(work.ok());
    Take(*std::move(work));
  }
  std::vector<Partition::Submission> SignsOf(uint64_t flow, size_t count, absl::Duration timeout) {
    std::vector<Partition::Submission> submissions;
    for (size_t i = 0; i < count; ++i) {
      submissions.push_back(Operation(false, Now() + timeout));
      submissions.back().flow = flow;
    }
    return submissions;
  }
  // Results since the last call, by reason; "" is success.
  std::map<std::string, int> Outcomes() {
    std::map<std::string, int> outcomes;
    for (const auto& result : results_) ++outcomes[ErrorReason(result.status())];
    results_.clear();
    return outcomes;
  }
  absl::Time Now() const { return kNow + absl::FromChrono(steady_ - kSteady); }

  Dispatcher dispatcher_;
  Dispatcher::SteadyTime steady_ = kSteady;
  std::vector<hsm::v1::RequestPacket> sent_;

 private:
  void Take(Dispatcher::Work work) {
    Finish(work);
    for (auto& outgoing : work.outgoing) sent_.push_back(std::move(outgoing.packet));
  }
};

TEST_F(SheddingTest, NothingIsRefusedBeforeThereIsAnEstimate) {
  Submit(SignsOf(1, 500, absl::Milliseconds(1)));
  EXPECT_EQ(Outcomes(), (std::map<std::string, int>{}));
}

TEST_F(SheddingTest, WhatWouldMissItsDeadlineIsRefusedAtOnce) {
  Submit(SignsOf(1, 32, absl::Hours(1)));
  Serve();
  Serve();
  ASSERT_TRUE(dispatcher_.IsIdle());
  Outcomes();
  Submit(SignsOf(1, 500, absl::Milliseconds(100)));
  // The first is pushed into an empty queue; each takes a millisecond.
  EXPECT_EQ(Outcomes(), (std::map<std::string, int>{{"OVERLOADED", 400}}));
  while (!sent_.empty()) Serve();
  // All that was let in was served in time: nobody waited for nothing.
  EXPECT_EQ(Outcomes(), (std::map<std::string, int>{{"", 100}}));
}

TEST_F(SheddingTest, TellsWhenToComeAgain) {
  Submit(SignsOf(1, 32, absl::Hours(1)));
  Serve();
  Serve();
  Submit(SignsOf(1, 1500, absl::Hours(1)));
  results_.clear();
  Submit(SignsOf(1, 1, absl::Milliseconds(500)));
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_EQ(results_[0].status().code(), absl::StatusCode::kResourceExhausted);
  const absl::Duration retry = RetryDelay(results_[0].status());
  EXPECT_GT(retry, absl::Milliseconds(900));
  EXPECT_LT(retry, absl::Milliseconds(1100));
  // Bounded from both sides.
  Submit(SignsOf(1, 1, absl::Milliseconds(1465)));
  EXPECT_EQ(RetryDelay(results_[1].status()), kQueueFullRetryDelay);
}

TEST_F(SheddingTest, AnEmptyQueueTakesWhateverComes) {
  Submit(SignsOf(1, 32, absl::Hours(1)));
  Serve();
  Outcomes();
  // A window is full, nothing waits: by the estimate this one is hopeless.
  Submit(SignsOf(1, 16, absl::Hours(1)));
  Submit(SignsOf(1, 1, absl::Nanoseconds(1)));
  EXPECT_EQ(Outcomes(), (std::map<std::string, int>{}));
}

TEST_F(SheddingTest, AFloodIsRefusedAndOthersAreNot) {
  Submit(SignsOf(1, 32, absl::Hours(1)));
  Serve();
  Serve();
  Submit(SignsOf(1, 2000, absl::Seconds(1)));
  EXPECT_GT(Outcomes()["OVERLOADED"], 900);
  Submit(SignsOf(2, 1, absl::Milliseconds(60)));
  EXPECT_EQ(Outcomes(), (std::map<std::string, int>{}));
  Serve();
  Serve();
  Serve();
  EXPECT_EQ(Outcomes(), (std::map<std::string, int>{{"", 48}}));
}

// Time during which a process had nothing to do, or did something slow, says
// nothing about signatures.
TEST_F(SheddingTest, IdleTimeIsNotServiceTime) {
  Submit(SignsOf(1, 1, absl::Hours(1)));
  Serve();
  steady_ += std::chrono::hours(1);
  Submit(SignsOf(1, 32, absl::Hours(1)));
  Serve();
  Serve();
  Submit(Generates(1));
  steady_ += std::chrono::hours(1);
  Serve();
  Outcomes();
  Submit(SignsOf(1, 60, absl::Milliseconds(61)));
  EXPECT_EQ(Outcomes(), (std::map<std::string, int>{}));
}

TEST(ServiceEstimateTest, FollowsWhatIsMeasuredAndWeighsByCost) {
  ServiceEstimate estimate;
  EXPECT_EQ(estimate.TimeFor(1), std::nullopt);
  estimate.Add(std::chrono::microseconds(100), 1);
  EXPECT_EQ(estimate.TimeFor(10), absl::Milliseconds(1));
  for (int i = 0; i < 100; ++i) estimate.Add(std::chrono::microseconds(32 * 50), 32);
  EXPECT_LT(*estimate.TimeFor(1), absl::Microseconds(51));
  // One late answer changes little.
  estimate.Add(std::chrono::milliseconds(10), 1);
  EXPECT_LT(*estimate.TimeFor(1), absl::Microseconds(72));
}

}  // namespace
}  // namespace sealward::hsm_client
