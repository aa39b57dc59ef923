// Operations for one process in particular. If these go, whoever revokes a key is told that every
// process has forgotten it while one still signs with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "tests/unit/hsm_client/dispatcher_fixture.h"

namespace sealward::hsm_client {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

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
