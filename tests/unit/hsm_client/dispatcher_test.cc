// The windows over the queue. If these go, packets could exceed the protocol's
// caps (the signer process would end), a signature could wait behind a key
// generation, or an operation could be lost without an answer.
#include "server/hsm_client/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "common/packet_socket.h"

namespace sealward::hsm_client {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kNow = absl::UnixEpoch() + absl::Hours(1);
constexpr Dispatcher::SteadyTime kSteady{};

class DispatcherTest : public ::testing::Test {
 protected:
  Partition::Submission Operation(bool slow, absl::Time deadline = absl::InfiniteFuture(),
                                  size_t bytes = 10) {
    Partition::Submission submission;
    if (slow) {
      submission.operation.mutable_generate();
    } else {
      submission.operation.mutable_sign_jws()->set_signing_input(std::string(bytes, 'x'));
    }
    submission.deadline = deadline;
    submission.done = [this](absl::StatusOr<hsm::v1::Result> result) {
      results_.push_back(std::move(result));
    };
    return submission;
  }

  std::vector<Partition::Submission> Signs(size_t count, size_t bytes = 10) {
    std::vector<Partition::Submission> submissions;
    submissions.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      submissions.push_back(Operation(false, absl::InfiniteFuture(), bytes));
    }
    return submissions;
  }

  std::vector<Partition::Submission> Generates(size_t count) {
    std::vector<Partition::Submission> submissions;
    submissions.reserve(count);
    for (size_t i = 0; i < count; ++i) submissions.push_back(Operation(true));
    return submissions;
  }

  // What a healthy process would answer.
  static hsm::v1::ResponsePacket AnswerTo(const hsm::v1::RequestPacket& request) {
    hsm::v1::ResponsePacket response;
    response.set_packet_id(request.packet_id());
    for (int i = 0; i < request.operations_size(); ++i) response.add_results();
    return response;
  }

  void Finish(Dispatcher::Work& work) {
    for (Dispatcher::Finished& each : work.finished) each.done(std::move(each.result));
  }

  std::vector<absl::StatusOr<hsm::v1::Result>> results_;
};

TEST_F(DispatcherTest, WithoutAProcessEverythingFailsAtOnceWithRetryInfo) {
  Dispatcher dispatcher(2);
  dispatcher.SetUnavailable("PIN refused", kSteady);
  auto work = dispatcher.Submit(Signs(3), kNow, kSteady);
  Finish(work);
  EXPECT_THAT(work.outgoing, IsEmpty());
  ASSERT_THAT(results_, SizeIs(3));
  EXPECT_EQ(results_[0].status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(results_[0].status()), "HSM_UNAVAILABLE");
  EXPECT_GT(RetryDelay(results_[0].status()), absl::ZeroDuration());
  EXPECT_NE(results_[0].status().message().find("PIN refused"), absl::string_view::npos);
}

TEST_F(DispatcherTest, WindowsHoldTwoPacketsAndPacketsHoldSixteenOperations) {
  Dispatcher dispatcher(2);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  dispatcher.Open(1, nullptr, kNow, kSteady);
  auto work = dispatcher.Submit(Signs(500), kNow, kSteady);
  ASSERT_THAT(work.outgoing, SizeIs(4));
  for (const auto& outgoing : work.outgoing) {
    EXPECT_EQ(outgoing.packet.operations_size(), kMaxOperationsPerPacket);
  }
  EXPECT_EQ(dispatcher.QueueDepth(), 500U - 64U);
}

TEST_F(DispatcherTest, AFewOperationsAreSharedOutOverTheProcesses) {
  Dispatcher dispatcher(2);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  dispatcher.Open(1, nullptr, kNow, kSteady);
  auto work = dispatcher.Submit(Signs(8), kNow, kSteady);
  ASSERT_GE(work.outgoing.size(), 2U);
  EXPECT_NE(work.outgoing[0].slot, work.outgoing[1].slot);
  EXPECT_EQ(work.outgoing[0].packet.operations_size(), 4);
  EXPECT_EQ(dispatcher.QueueDepth(), 0U);
}

TEST_F(DispatcherTest, PacketsStayBelowTheByteCap) {
  Dispatcher dispatcher(1);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  auto work = dispatcher.Submit(Signs(16, kMaxOperationDataBytes - 1), kNow, kSteady);
  ASSERT_THAT(work.outgoing, SizeIs(2));
  for (const auto& outgoing : work.outgoing) {
    EXPECT_LE(outgoing.packet.ByteSizeLong(), kMaxPacketBytes);
    EXPECT_GE(outgoing.packet.operations_size(), 1);
  }
}

// Sixteen RSA signatures in a packet would keep a process from everybody else.
TEST_F(DispatcherTest, PacketsStayBelowTheCostCap) {
  const auto costly = [this](size_t count, int cost) {
    auto submissions = Signs(count);
    for (auto& each : submissions) each.cost = cost;
    return submissions;
  };
  Dispatcher dispatcher(1);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  auto work = dispatcher.Submit(costly(50, 15), kNow, kSteady);
  ASSERT_THAT(work.outgoing, SizeIs(2));
  EXPECT_EQ(work.outgoing[0].packet.operations_size(), kMaxPacketCost / 15);
  // One that is over the cap by itself goes alone, and no second one with it.
  Dispatcher heavy(1);
  heavy.Open(0, nullptr, kNow, kSteady);
  work = heavy.Submit(costly(3, kMaxPacketCost + 1), kNow, kSteady);
  ASSERT_THAT(work.outgoing, SizeIs(1));
  EXPECT_EQ(work.outgoing[0].packet.operations_size(), 1);
  auto answer = AnswerTo(work.outgoing[0].packet);
  auto next = heavy.Answer(0, answer, kNow, kSteady);
  ASSERT_TRUE(next.ok());
  EXPECT_THAT(next->outgoing, SizeIs(1));
}

TEST_F(DispatcherTest, ATenantsFloodLeavesTheNextPacketToTheOthersToo) {
  Dispatcher dispatcher(1);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  auto flood = dispatcher.Submit(Signs(500), kNow, kSteady);
  auto other = Signs(1);
  other[0].flow = 1;
  EXPECT_THAT(dispatcher.Submit(std::move(other), kNow, kSteady).outgoing, IsEmpty());
  auto answer = AnswerTo(flood.outgoing[0].packet);
  auto next = dispatcher.Answer(0, answer, kNow, kSteady);
  ASSERT_TRUE(next.ok());
  ASSERT_THAT(next->outgoing, SizeIs(1));
  EXPECT_EQ(next->outgoing[0].packet.operations_size(), kMaxOperationsPerPacket);
  auto second = AnswerTo(next->outgoing[0].packet);
  ASSERT_TRUE(dispatcher.Answer(0, second, kNow, kSteady).ok());
  EXPECT_EQ(dispatcher.QueueDepth(), 501U - 4U * kMaxOperationsPerPacket);
}

// What expires while it waits was not served: it is not the tenant's turn gone.
TEST_F(DispatcherTest, WhatIsTooLateCostsNoTurn) {
  OperationQueue queue;
  for (int i = 0; i < kQuantum; ++i) queue.Push(Operation(false, kNow));
  for (int i = 0; i < kQuantum; ++i) queue.Push(Operation(false));
  for (int i = 0; i < kQuantum; ++i) {
    queue.Push(Operation(false));
    auto other = Operation(false);
    other.flow = 1;
    queue.Push(std::move(other));
  }
  std::vector<Partition::Submission> expired;
  const auto packet = queue.TakeSigning(1, kNow, expired);
  EXPECT_THAT(expired, SizeIs(kQuantum));
  ASSERT_THAT(packet, SizeIs(kMaxOperationsPerPacket));
  EXPECT_EQ(packet.front().flow, 0U);
  EXPECT_EQ(packet[kQuantum - 1].flow, 0U);
  EXPECT_EQ(packet[kQuantum].flow, 1U);
}

// The flood is refused; who comes next is not.
TEST_F(DispatcherTest, AFloodDoesNotFillTheQueueForOthers) {
  Dispatcher dispatcher(1);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  auto flood = dispatcher.Submit(Signs(2 * kMaxQueuedOperations), kNow, kSteady);
  EXPECT_FALSE(flood.finished.empty());
  auto others = Signs(100);
  for (auto& each : others) each.flow = 1;
  EXPECT_THAT(dispatcher.Submit(std::move(others), kNow, kSteady).finished, IsEmpty());
}

TEST_F(DispatcherTest, AnAnswerRefillsTheWindow) {
  Dispatcher dispatcher(1);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  auto first = dispatcher.Submit(Signs(64), kNow, kSteady);
  ASSERT_THAT(first.outgoing, SizeIs(2));
  auto answer = AnswerTo(first.outgoing[0].packet);
  auto next = dispatcher.Answer(0, answer, kNow, kSteady);
  ASSERT_TRUE(next.ok());
  EXPECT_THAT(next->finished, SizeIs(16));
  EXPECT_THAT(next->outgoing, SizeIs(1));
}

TEST_F(DispatcherTest, AnAnswerToNothingIsAnError) {
  Dispatcher dispatcher(1);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  auto work = dispatcher.Submit(Signs(2), kNow, kSteady);
  hsm::v1::ResponsePacket unknown;
  unknown.set_packet_id(77);
  EXPECT_FALSE(dispatcher.Answer(0, unknown, kNow, kSteady).ok());
  auto short_answer = AnswerTo(work.outgoing[0].packet);
  short_answer.clear_results();
  EXPECT_FALSE(dispatcher.Answer(0, short_answer, kNow, kSteady).ok());
}

TEST_F(DispatcherTest, ADeadProcessFailsOnlyWhatItHad) {
  Dispatcher dispatcher(2);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  dispatcher.Open(1, nullptr, kNow, kSteady);
  auto work = dispatcher.Submit(Signs(200), kNow, kSteady);
  auto closed = dispatcher.Close(0, kNow, kSteady);
  EXPECT_THAT(closed.finished, SizeIs(32));
  Finish(closed);
  EXPECT_EQ(results_[0].status().code(), absl::StatusCode::kUnavailable);
  EXPECT_GT(RetryDelay(results_[0].status()), absl::ZeroDuration());
  EXPECT_EQ(dispatcher.QueueDepth(), 200U - 64U);
  // With the last one gone, nothing is left waiting for ever.
  auto last = dispatcher.Close(1, kNow, kSteady);
  EXPECT_THAT(last.finished, SizeIs(200 - 32));
  EXPECT_TRUE(dispatcher.IsIdle());
}

// A packet that was made for a process and is sent late must not reach the one
// that replaced it: that one would answer what nobody asked, and end for it.
TEST_F(DispatcherTest, APacketBelongsToTheProcessItWasMadeFor) {
  Dispatcher dispatcher(1);
  auto first = std::make_shared<Link>(Link{PacketSocket(-1), 1, false});
  auto second = std::make_shared<Link>(Link{PacketSocket(-1), 2, false});
  dispatcher.Open(0, first, kNow, kSteady);
  auto late = dispatcher.Submit(Signs(1), kNow, kSteady);
  dispatcher.Close(0, kNow, kSteady);
  dispatcher.Open(0, second, kNow, kSteady);
  auto next = dispatcher.Submit(Signs(1), kNow, kSteady);
  ASSERT_THAT(late.outgoing, SizeIs(1));
  ASSERT_THAT(next.outgoing, SizeIs(1));
  EXPECT_EQ(late.outgoing[0].link, first);
  EXPECT_EQ(next.outgoing[0].link, second);
}

TEST_F(DispatcherTest, ASlowOperationGetsAProcessToItself) {
  Dispatcher dispatcher(2);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  dispatcher.Open(1, nullptr, kNow, kSteady);
  auto busy = dispatcher.Submit(Signs(200), kNow, kSteady);
  ASSERT_THAT(busy.outgoing, SizeIs(4));
  EXPECT_THAT(dispatcher.Submit(Generates(2), kNow, kSteady).outgoing, IsEmpty());
  // One process runs dry; the other goes on signing.
  std::vector<Dispatcher::Outgoing> sent = std::move(busy.outgoing);
  int slow_slot = -1;
  for (size_t i = 0; i < sent.size() && slow_slot < 0; ++i) {
    auto answer = AnswerTo(sent[i].packet);
    auto work = dispatcher.Answer(sent[i].slot, answer, kNow, kSteady);
    ASSERT_TRUE(work.ok());
    for (auto& outgoing : work->outgoing) {
      if (outgoing.packet.operations(0).has_generate()) {
        EXPECT_EQ(outgoing.packet.operations_size(), 1);
        slow_slot = outgoing.slot;
      }
      sent.push_back(std::move(outgoing));
    }
  }
  ASSERT_GE(slow_slot, 0);
  // While it generates, it gets nothing else and no second process generates.
  for (size_t i = 0; i < sent.size() && i < 40; ++i) {
    if (sent[i].slot == slow_slot) continue;
    auto answer = AnswerTo(sent[i].packet);
    auto work = dispatcher.Answer(sent[i].slot, answer, kNow, kSteady);
    if (!work.ok()) continue;  // answered above
    for (auto& outgoing : work->outgoing) {
      EXPECT_NE(outgoing.slot, slow_slot);
      EXPECT_FALSE(outgoing.packet.operations(0).has_generate());
      sent.push_back(std::move(outgoing));
    }
  }
}

TEST_F(DispatcherTest, ADeadGeneratorHandsTheSlowLaneOn) {
  Dispatcher dispatcher(2);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  auto first = dispatcher.Submit(Generates(2), kNow, kSteady);
  ASSERT_THAT(first.outgoing, SizeIs(1));
  EXPECT_THAT(dispatcher.Open(1, nullptr, kNow, kSteady).outgoing, IsEmpty());
  Dispatcher::Work closed = dispatcher.Close(0, kNow, kSteady);
  EXPECT_THAT(closed.finished, SizeIs(1));
  // At once: nothing else may happen for a long time.
  ASSERT_THAT(closed.outgoing, SizeIs(1));
  EXPECT_EQ(closed.outgoing[0].slot, 1);
  EXPECT_TRUE(closed.outgoing[0].packet.operations(0).has_generate());
}

TEST_F(DispatcherTest, WhatIsTooLateIsNotSent) {
  Dispatcher dispatcher(1);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  auto busy = dispatcher.Submit(Signs(32), kNow, kSteady);
  ASSERT_THAT(busy.outgoing, SizeIs(2));
  std::vector<Partition::Submission> late;
  late.push_back(Operation(false, kNow + absl::Seconds(1)));
  EXPECT_THAT(dispatcher.Submit(std::move(late), kNow, kSteady).outgoing, IsEmpty());
  auto answer = AnswerTo(busy.outgoing[0].packet);
  auto work = dispatcher.Answer(0, answer, kNow + absl::Seconds(2), kSteady);
  ASSERT_TRUE(work.ok());
  EXPECT_THAT(work->outgoing, IsEmpty());
  Finish(*work);
  EXPECT_EQ(results_.back().status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(DispatcherTest, TheQueueIsBounded) {
  Dispatcher dispatcher(1);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  dispatcher.Submit(Signs(kMaxQueuedOperations + 16), kNow, kSteady);
  auto work = dispatcher.Submit(Signs(100), kNow, kSteady);
  Finish(work);
  ASSERT_FALSE(results_.empty());
  EXPECT_EQ(results_.back().status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(results_.back().status()), "QUEUE_FULL");
  EXPECT_LE(dispatcher.QueueDepth(), kMaxQueuedOperations);
  // The slow lane has a bound of its own, so that it cannot crowd out signing.
  results_.clear();
  Dispatcher quiet(1);
  quiet.Open(0, nullptr, kNow, kSteady);
  auto slow = quiet.Submit(Generates(kMaxQueuedSlowOperations + 10), kNow, kSteady);
  Finish(slow);
  EXPECT_FALSE(results_.empty());
  EXPECT_EQ(ErrorReason(results_.back().status()), "QUEUE_FULL");
}

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

TEST_F(DispatcherTest, WedgedProcessesAreFoundByTheAgeOfTheirDebt) {
  Dispatcher dispatcher(2);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  dispatcher.Submit(Signs(1), kNow, kSteady);
  EXPECT_THAT(dispatcher.WedgedSlots(kSteady + kSigningTimeout), IsEmpty());
  EXPECT_THAT(dispatcher.WedgedSlots(kSteady + kSigningTimeout + std::chrono::seconds(1)),
              ::testing::ElementsAre(0));
  Dispatcher slow(1);
  slow.Open(0, nullptr, kNow, kSteady);
  slow.Submit(Generates(1), kNow, kSteady);
  EXPECT_THAT(slow.WedgedSlots(kSteady + kSigningTimeout + std::chrono::seconds(1)), IsEmpty());
  EXPECT_THAT(slow.WedgedSlots(kSteady + kSlowTimeout + std::chrono::seconds(1)), SizeIs(1));
}

class OwnOperationsTest : public DispatcherTest {
 protected:
  std::vector<Partition::Submission> Forgets(size_t count) {
    std::vector<Partition::Submission> submissions = Signs(count);
    for (auto& each : submissions) each.operation.mutable_forget();
    return submissions;
  }
};

// Whoever waits for a process to forget a stolen key does not wait behind signatures.
TEST_F(OwnOperationsTest, GoToTheirProcessBeforeWhatWaits) {
  Dispatcher dispatcher(2);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  dispatcher.Open(1, nullptr, kNow, kSteady);
  auto filled = dispatcher.Submit(Signs(500), kNow, kSteady);
  Dispatcher::Work work;
  ASSERT_TRUE(dispatcher.SubmitTo(1, Forgets(1), kNow, kSteady, work));
  EXPECT_THAT(work.outgoing, IsEmpty());  // the window is full
  for (const auto& outgoing : filled.outgoing) {
    auto response = AnswerTo(outgoing.packet);
    auto next = dispatcher.Answer(outgoing.slot, response, kNow, kSteady);
    ASSERT_TRUE(next.ok());
    ASSERT_THAT(next->outgoing, SizeIs(1));
    const bool is_forget = next->outgoing[0].packet.operations(0).has_forget();
    EXPECT_EQ(is_forget, outgoing.slot == 1) << outgoing.slot;
    if (is_forget) break;
  }
}

TEST_F(OwnOperationsTest, ReachAProcessThatIsOnItsWayFirstOfAll) {
  Dispatcher dispatcher(2);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  Dispatcher::Work work;
  ASSERT_TRUE(dispatcher.SubmitTo(1, Forgets(20), kNow, kSteady, work));
  Finish(work);
  EXPECT_THAT(results_, SizeIs(20));  // nothing comes of that process before
  dispatcher.Submit(Signs(200), kNow, kSteady);
  auto opened = dispatcher.Open(1, nullptr, kNow, kSteady);
  ASSERT_THAT(opened.outgoing, SizeIs(2));
  EXPECT_EQ(opened.outgoing[0].packet.operations_size(), 16);
  EXPECT_TRUE(opened.outgoing[0].packet.operations(0).has_forget());
  EXPECT_TRUE(opened.outgoing[1].packet.operations(0).has_forget());
  auto response = AnswerTo(opened.outgoing[0].packet);
  auto answered = dispatcher.Answer(1, response, kNow, kSteady);
  ASSERT_TRUE(answered.ok());
  EXPECT_THAT(answered->finished, IsEmpty());  // they are over already
}

TEST_F(OwnOperationsTest, AreOverWithTheirProcess) {
  Dispatcher dispatcher(1);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  Dispatcher::Work work;
  ASSERT_TRUE(dispatcher.SubmitTo(0, Forgets(40), kNow, kSteady, work));
  EXPECT_THAT(work.outgoing, SizeIs(2));
  auto closed = dispatcher.Close(0, kNow, kSteady);
  Finish(closed);
  EXPECT_THAT(results_, SizeIs(40));
  // Its replacement knows nothing of them.
  EXPECT_THAT(dispatcher.Open(0, nullptr, kNow, kSteady).outgoing, IsEmpty());
}

TEST_F(OwnOperationsTest, AProcessThatRefusesThemIsReplaced) {
  Dispatcher dispatcher(1);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  Dispatcher::Work work;
  ASSERT_TRUE(dispatcher.SubmitTo(0, Forgets(1), kNow, kSteady, work));
  auto response = AnswerTo(work.outgoing[0].packet);
  response.mutable_results(0)->set_code(static_cast<int>(absl::StatusCode::kInternal));
  EXPECT_EQ(dispatcher.Answer(0, response, kNow, kSteady).status().code(),
            absl::StatusCode::kInternal);
}

// Sent or not: a process that does not get round to it may go on signing.
TEST_F(OwnOperationsTest, AProcessThatDoesNotDoThemInTimeIsWedged) {
  Dispatcher dispatcher(2);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  dispatcher.Open(1, nullptr, kNow, kSteady);
  auto generate = dispatcher.Submit(Generates(1), kNow, kSteady);
  ASSERT_THAT(generate.outgoing, SizeIs(1));
  const int busy = generate.outgoing[0].slot;
  Dispatcher::Work work;
  ASSERT_TRUE(
      dispatcher.SubmitTo(busy, Forgets(33), kNow, kSteady + std::chrono::seconds(1), work));
  const auto in_time = kSteady + std::chrono::seconds(1) + kForgetTimeout;
  EXPECT_THAT(dispatcher.WedgedSlots(in_time), IsEmpty());
  EXPECT_THAT(dispatcher.WedgedSlots(in_time + std::chrono::milliseconds(1)),
              testing::ElementsAre(busy));
}

TEST_F(OwnOperationsTest, AreBounded) {
  Dispatcher dispatcher(1);
  Dispatcher::Work work;
  EXPECT_TRUE(dispatcher.SubmitTo(0, Forgets(kMaxOwnOperations), kNow, kSteady, work));
  EXPECT_FALSE(dispatcher.SubmitTo(0, Forgets(1), kNow, kSteady, work));
}

}  // namespace
}  // namespace sealward::hsm_client
