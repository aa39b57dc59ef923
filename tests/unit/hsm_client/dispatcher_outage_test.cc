// The dispatcher while the HSM is gone. If these go, callers would wait for an HSM
// that does not answer until their deadline, or the HSM's return would go unnoticed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "common/errors.h"
#include "server/hsm_client/dispatcher.h"

namespace sealward::hsm_client {
namespace {

using std::chrono::milliseconds;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kNow = absl::UnixEpoch() + absl::Hours(1);
constexpr int kUnavailable = static_cast<int>(absl::StatusCode::kUnavailable);
constexpr uint64_t kDeviceRemoved = 0x32;

class DispatcherOutageTest : public ::testing::Test {
 protected:
  DispatcherOutageTest() {
    dispatcher_.Open(0, nullptr, kNow, steady_);
    dispatcher_.Open(1, nullptr, kNow, steady_);
  }

  Dispatcher::Work Submit(size_t count) {
    std::vector<Partition::Submission> submissions(count);
    for (Partition::Submission& each : submissions) {
      each.operation.mutable_sign_jws()->set_signing_input("a.b");
      each.deadline = absl::InfiniteFuture();
      each.done = [](const auto&) {};
    }
    return dispatcher_.Submit(std::move(submissions), kNow, steady_);
  }

  // Answers a packet, each operation like this.
  Dispatcher::Work Answer(const Dispatcher::Outgoing& outgoing, const hsm::v1::Result& result) {
    hsm::v1::ResponsePacket response;
    response.set_packet_id(outgoing.packet.packet_id());
    for (int i = 0; i < outgoing.packet.operations_size(); ++i) *response.add_results() = result;
    auto work = dispatcher_.Answer(outgoing.slot, response, kNow, steady_);
    EXPECT_TRUE(work.ok()) << work.status();
    return *std::move(work);
  }

  static hsm::v1::Result Gone() {
    hsm::v1::Result result;
    result.set_code(kUnavailable);
    result.set_ck_rv(kDeviceRemoved);
    return result;
  }
  static hsm::v1::Result Signed() {
    hsm::v1::Result result;
    result.mutable_signature()->set_signature("s");
    return result;
  }

  // What the failure that opens it gives.
  Dispatcher::Work Open() {
    Dispatcher::Work work;
    for (int i = 0; i < kBreakerThreshold; ++i) {
      work = Answer(Submit(1).outgoing.at(0), Gone());
    }
    EXPECT_EQ(dispatcher_.breaker(), BreakerState::kOpen);
    return work;
  }

  Dispatcher::Work ProbeWhenDue() {
    steady_ = *dispatcher_.NextProbe();
    return dispatcher_.Probe(steady_);
  }

  Dispatcher dispatcher_{2};
  Dispatcher::SteadyTime steady_{std::chrono::hours{1}};
};

TEST_F(DispatcherOutageTest, OpensAndThenNothingIsSentOrWaits) {
  const Dispatcher::Work opening = Open();
  EXPECT_EQ(opening.turned, BreakerState::kOpen);
  EXPECT_NE(dispatcher_.BreakerAlarm(), "");
  const Dispatcher::Work refused = Submit(3);
  EXPECT_THAT(refused.outgoing, IsEmpty());
  ASSERT_THAT(refused.finished, SizeIs(3));
  const absl::Status status = refused.finished[0].result.status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(ErrorReason(status), "HSM_UNAVAILABLE");
  EXPECT_GE(RetryDelay(status), kUnavailableRetryDelay);
  EXPECT_TRUE(dispatcher_.IsIdle());
}

// Who queued before it was known must not learn it at the deadline.
TEST_F(DispatcherOutageTest, WhatWaitsFailsWhenItOpens) {
  const Dispatcher::Work busy = Submit(200);
  ASSERT_THAT(busy.outgoing, SizeIs(4));
  const Dispatcher::Work opening = Answer(busy.outgoing[0], Gone());
  EXPECT_EQ(opening.turned, BreakerState::kOpen);
  EXPECT_THAT(opening.outgoing, IsEmpty());
  EXPECT_EQ(dispatcher_.QueueDepth(), 0U);
  EXPECT_THAT(opening.finished, SizeIs(16 + 200 - 64));
}

TEST_F(DispatcherOutageTest, SignaturesInBetweenKeepItClosed) {
  for (int i = 0; i < 20; ++i) {
    Answer(Submit(1).outgoing.at(0), Gone());
    Answer(Submit(1).outgoing.at(0), Signed());
  }
  EXPECT_EQ(dispatcher_.breaker(), BreakerState::kClosed);
}

// What is the request's fault, the process's, or a key's says nothing of the HSM.
TEST_F(DispatcherOutageTest, OnlyTheHsmsOwnAnswerCounts) {
  hsm::v1::Result not_asked = Gone();
  not_asked.clear_ck_rv();
  hsm::v1::Result memory = Gone();
  memory.set_code(static_cast<int>(absl::StatusCode::kResourceExhausted));
  hsm::v1::Result internal = Gone();
  internal.set_code(static_cast<int>(absl::StatusCode::kInternal));
  for (const hsm::v1::Result& result : {not_asked, memory, internal}) {
    for (int i = 0; i < 20; ++i) Answer(Submit(1).outgoing.at(0), result);
  }
  for (int i = 0; i < 20; ++i) {
    Submit(1);
    dispatcher_.Close(0, kNow, steady_);
    dispatcher_.Open(0, nullptr, kNow, steady_);
  }
  EXPECT_EQ(dispatcher_.breaker(), BreakerState::kClosed);
}

TEST_F(DispatcherOutageTest, StartsThatFindItGoneCount) {
  for (int i = 1; i < kBreakerThreshold; ++i) {
    EXPECT_EQ(dispatcher_.HsmGone(steady_).turned, std::nullopt);
  }
  EXPECT_EQ(dispatcher_.HsmGone(steady_).turned, BreakerState::kOpen);
}

TEST_F(DispatcherOutageTest, AProbeIsOneCanarySignature) {
  Open();
  EXPECT_THAT(dispatcher_.Probe(steady_).outgoing, IsEmpty()) << "not due yet";
  const Dispatcher::Work probe = ProbeWhenDue();
  ASSERT_THAT(probe.outgoing, SizeIs(1));
  ASSERT_EQ(probe.outgoing[0].packet.operations_size(), 1);
  EXPECT_TRUE(probe.outgoing[0].packet.operations(0).has_check_health());
  EXPECT_EQ(dispatcher_.breaker(), BreakerState::kHalfOpen);
  EXPECT_THAT(dispatcher_.Probe(steady_).outgoing, IsEmpty()) << "one at a time";
  EXPECT_THAT(Submit(1).outgoing, IsEmpty()) << "nobody else yet";
  EXPECT_EQ(Answer(probe.outgoing[0], hsm::v1::Result()).turned, BreakerState::kClosed);
  EXPECT_EQ(dispatcher_.BreakerAlarm(), "");
  EXPECT_THAT(Submit(1).outgoing, SizeIs(1));
}

TEST_F(DispatcherOutageTest, AProbeThatFailsOrDiesPutsTheNextOff) {
  Open();
  const auto opened = steady_;
  Answer(ProbeWhenDue().outgoing.at(0), Gone());
  EXPECT_EQ(dispatcher_.breaker(), BreakerState::kOpen);
  EXPECT_EQ(*dispatcher_.NextProbe(), opened + 3 * kFirstProbeDelay);
  const Dispatcher::Work probe = ProbeWhenDue();
  dispatcher_.Close(probe.outgoing.at(0).slot, kNow, steady_);
  EXPECT_EQ(dispatcher_.breaker(), BreakerState::kOpen);
  EXPECT_EQ(*dispatcher_.NextProbe(), steady_ + 4 * kFirstProbeDelay);
}

// The canary must sign: an answer that it does not verify is no recovery.
TEST_F(DispatcherOutageTest, AProbeWithAnotherErrorIsAFailure) {
  Open();
  hsm::v1::Result wrong;
  wrong.set_code(static_cast<int>(absl::StatusCode::kInternal));
  EXPECT_EQ(Answer(ProbeWhenDue().outgoing.at(0), wrong).turned, std::nullopt);
  EXPECT_EQ(dispatcher_.breaker(), BreakerState::kOpen);
}

// A process that hangs in what it was sent before is not probed; another one is.
TEST_F(DispatcherOutageTest, OnlyIdleProcessesAreProbed) {
  const Dispatcher::Work hanging = Submit(2);
  ASSERT_THAT(hanging.outgoing, SizeIs(2));
  for (int i = 0; i < kBreakerThreshold; ++i) dispatcher_.HsmGone(steady_);
  EXPECT_THAT(ProbeWhenDue().outgoing, IsEmpty());
  EXPECT_EQ(dispatcher_.breaker(), BreakerState::kOpen);
  Answer(hanging.outgoing[1], Gone());
  const Dispatcher::Work probe = ProbeWhenDue();
  ASSERT_THAT(probe.outgoing, SizeIs(1));
  EXPECT_EQ(probe.outgoing[0].slot, hanging.outgoing[1].slot);
}

// A probe that hangs is overdue like a signature, not like a generation.
TEST_F(DispatcherOutageTest, AProbeThatHangsIsWedgedSoon) {
  Open();
  const Dispatcher::Work probe = ProbeWhenDue();
  EXPECT_THAT(dispatcher_.WedgedSlots(steady_ + kSigningTimeout), IsEmpty());
  EXPECT_THAT(dispatcher_.WedgedSlots(steady_ + kSigningTimeout + milliseconds(1)),
              ::testing::ElementsAre(probe.outgoing.at(0).slot));
}

// A process that has just logged in and tested itself is asked at once.
TEST_F(DispatcherOutageTest, ANewProcessIsProbedAtOnce) {
  Open();
  for (int i = 0; i < 10; ++i) Answer(ProbeWhenDue().outgoing.at(0), Gone());
  EXPECT_GT(*dispatcher_.NextProbe(), steady_);
  dispatcher_.Close(0, kNow, steady_);
  dispatcher_.Open(0, nullptr, kNow, steady_);
  EXPECT_THAT(dispatcher_.Probe(steady_).outgoing, SizeIs(1));
}

// Callers are told when it is worth while, within limits.
TEST_F(DispatcherOutageTest, RetryInfoFollowsTheNextProbeAndTheNextStart) {
  Open();
  for (int i = 0; i < 4; ++i) Answer(ProbeWhenDue().outgoing.at(0), Gone());
  EXPECT_EQ(RetryDelay(Submit(1).finished.at(0).result.status()),
            absl::FromChrono(16 * kFirstProbeDelay));
  dispatcher_.Close(0, kNow, steady_);
  dispatcher_.Close(1, kNow, steady_);
  const auto told = [&](milliseconds wait) {
    dispatcher_.SetUnavailable("latched", steady_ + wait);
    return RetryDelay(Submit(1).finished.at(0).result.status());
  };
  EXPECT_EQ(told(milliseconds(700)), absl::Milliseconds(700));
  EXPECT_EQ(told(milliseconds(1)), kUnavailableRetryDelay);
  EXPECT_EQ(told(std::chrono::hours(1)), kMaxUnavailableRetryDelay);
}

}  // namespace
}  // namespace sealward::hsm_client
