// The windows over the queue. If these go, packets could exceed the protocol's
// caps (the signer process would end), a signature could wait behind a key
// generation, or an operation could be lost without an answer.
#include "server/hsm_client/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "common/packet_socket.h"
#include "tests/unit/hsm_client/dispatcher_fixture.h"

namespace sealward::hsm_client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

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

// What is shared out over sessions keeps nobody waiting longer: a cap for one session would leave
// fourteen of sixteen without work.
TEST_F(DispatcherTest, TheCostCapIsThatOfEachSession) {
  const auto sent = [this](int sessions, int cost) {
    auto submissions = Signs(100);
    for (auto& each : submissions) each.cost = cost;
    Dispatcher dispatcher(1);
    dispatcher.Open(0, nullptr, kNow, kSteady, sessions);
    std::vector<int> sizes;
    for (const auto& each : dispatcher.Submit(std::move(submissions), kNow, kSteady).outgoing) {
      sizes.push_back(each.packet.operations_size());
    }
    return sizes;
  };
  const int costly = kMaxPacketCost + 1;
  EXPECT_THAT(sent(0, costly), ElementsAre(1));
  EXPECT_THAT(sent(1, costly), ElementsAre(1));
  EXPECT_THAT(sent(2, kMaxPacketCost), ElementsAre(2, 2));
  EXPECT_THAT(sent(16, kMaxPacketCost), ElementsAre(16, 16));
  // A number out of all proportion makes no cost that overflows.
  EXPECT_THAT(sent(1 << 30, kMaxPacketCost * kMaxOperationsPerPacket), ElementsAre(1, 1));
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
  const auto packet = queue.TakeSigning(1, kMaxPacketCost, kNow, expired);
  EXPECT_THAT(expired, SizeIs(kQuantum));
  ASSERT_THAT(packet, SizeIs(kMaxOperationsPerPacket));
  EXPECT_EQ(packet.front().flow, 0U);
  EXPECT_EQ(packet[kQuantum - 1].flow, 0U);
  EXPECT_EQ(packet[kQuantum].flow, 1U);
}

// SignRaw is signing, too: in the slow lane it would wait behind a generation, and have no share.
TEST_F(DispatcherTest, RawSignaturesGoWithTheOthersAndFillPacketsByTheirSize) {
  OperationQueue queue;
  for (int i = 0; i < 4; ++i) {
    Partition::Submission raw = Operation(false);
    raw.operation.mutable_sign_raw()->set_message(std::string(60'000, 'm'));
    queue.Push(std::move(raw));
  }
  EXPECT_FALSE(queue.has_slow());
  std::vector<Partition::Submission> expired;
  const auto packet = queue.TakeSigning(1, kMaxPacketCost, kNow, expired);
  size_t bytes = 0;
  for (const auto& each : packet) bytes += each.operation.ByteSizeLong();
  EXPECT_THAT(packet, SizeIs(3));
  EXPECT_LE(bytes, kMaxPacketBytes);
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

TEST_F(DispatcherTest, WedgedProcessesAreFoundByTheAgeOfTheirDebt) {
  Dispatcher dispatcher(2);
  dispatcher.Open(0, nullptr, kNow, kSteady);
  dispatcher.Submit(Signs(1), kNow, kSteady);
  EXPECT_THAT(dispatcher.WedgedSlots(kSteady + kSigningTimeout), IsEmpty());
  EXPECT_THAT(dispatcher.WedgedSlots(kSteady + kSigningTimeout + std::chrono::seconds(1)),
              ElementsAre(0));
  Dispatcher slow(1);
  slow.Open(0, nullptr, kNow, kSteady);
  slow.Submit(Generates(1), kNow, kSteady);
  EXPECT_THAT(slow.WedgedSlots(kSteady + kSigningTimeout + std::chrono::seconds(1)), IsEmpty());
  EXPECT_THAT(slow.WedgedSlots(kSteady + kSlowTimeout + std::chrono::seconds(1)), SizeIs(1));
}

}  // namespace
}  // namespace sealward::hsm_client
