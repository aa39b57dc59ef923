// Processes that are replaced while they are well. If these go, a sealward-hsm grows
// without end in a library that leaks, or its replacement costs a signature.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/hsm_client/dispatcher.h"
#include "server/hsm_client/process_partition.h"
#include "tests/unit/hsm_client/scripted_connector.h"

namespace sealward::hsm_client {
namespace {

const absl::Time kNow = absl::UnixEpoch() + absl::Hours(1);
constexpr Dispatcher::SteadyTime kSteady{};

class RetirementTest : public ::testing::Test {
 protected:
  void Open(int slots) {
    for (int i = 0; i < slots; ++i) dispatcher_.Open(i, nullptr, kNow, kSteady);
  }

  Dispatcher::Work Submit(size_t count, bool slow = false) {
    std::vector<Partition::Submission> submissions(count);
    for (Partition::Submission& each : submissions) {
      if (slow) {
        each.operation.mutable_generate();
      } else {
        each.operation = SignOperation();
      }
      each.deadline = absl::InfiniteFuture();
      each.done = [](const auto&) {};
    }
    return dispatcher_.Submit(std::move(submissions), kNow, kSteady);
  }

  Dispatcher::Work Answer(const Dispatcher::Outgoing& to) {
    hsm::v1::ResponsePacket response;
    response.set_packet_id(to.packet.packet_id());
    for (int i = 0; i < to.packet.operations_size(); ++i) response.add_results();
    auto work = dispatcher_.Answer(to.slot, response, kNow, kSteady);
    EXPECT_TRUE(work.ok()) << work.status();
    return work.ok() ? std::move(*work) : Dispatcher::Work();
  }

  static size_t SentTo(const Dispatcher::Work& work, int slot) {
    return static_cast<size_t>(
        std::ranges::count(work.outgoing, slot, &Dispatcher::Outgoing::slot));
  }

  Dispatcher dispatcher_{2};
};

TEST_F(RetirementTest, OneOnItsWayOutGetsNothingNewAndGivesWhatItOwes) {
  Open(2);
  const auto before = Submit(32);
  ASSERT_GT(SentTo(before, 0), 0U);
  ASSERT_TRUE(dispatcher_.Retire(0));
  EXPECT_EQ(SentTo(Submit(64), 0), 0U);
  EXPECT_EQ(SentTo(Submit(1, /*slow=*/true), 0), 0U);
  for (const auto& each : before.outgoing) {
    if (each.slot != 0) continue;
    EXPECT_FALSE(dispatcher_.IsDrained(0));
    EXPECT_EQ(SentTo(Answer(each), 0), 0U);
  }
  EXPECT_TRUE(dispatcher_.IsDrained(0));
  EXPECT_FALSE(dispatcher_.IsDrained(1));
  dispatcher_.Close(0, kNow, kSteady);
  // Its replacement takes its part of what waits.
  EXPECT_GT(SentTo(dispatcher_.Open(0, nullptr, kNow, kSteady), 0), 0U);
}

// SoftHSM2 reads its whole directory again for what another process has changed: among
// thousands of keys that is most of what generating one costs.
TEST_F(RetirementTest, SlowOperationsStayWithOneProcessWhileItMay) {
  Open(2);
  auto work = Submit(1, /*slow=*/true);
  const int first = work.outgoing.at(0).slot;
  for (int i = 0; i < 5; ++i) {
    Answer(work.outgoing.at(0));
    work = Submit(1, /*slow=*/true);
    EXPECT_EQ(work.outgoing.at(0).slot, first);
  }
  Answer(work.outgoing.at(0));
  ASSERT_TRUE(dispatcher_.Retire(first));
  EXPECT_NE(Submit(1, /*slow=*/true).outgoing.at(0).slot, first);
}

TEST_F(RetirementTest, ItForgetsToTheEnd) {
  Open(2);
  ASSERT_TRUE(dispatcher_.Retire(0));
  std::vector<Partition::Submission> forgets(1);
  forgets[0].operation.mutable_forget();
  forgets[0].done = [](const auto&) {};
  Dispatcher::Work work;
  ASSERT_TRUE(dispatcher_.SubmitTo(0, std::move(forgets), kNow, kSteady, work));
  ASSERT_EQ(SentTo(work, 0), 1U);
  EXPECT_FALSE(dispatcher_.IsDrained(0));
  Answer(work.outgoing[0]);
  EXPECT_TRUE(dispatcher_.IsDrained(0));
}

TEST_F(RetirementTest, OneAtATimeAndNeverTheOnlyOne) {
  Open(1);
  EXPECT_FALSE(dispatcher_.Retire(0));
  Open(2);
  EXPECT_TRUE(dispatcher_.Retire(1));
  EXPECT_FALSE(dispatcher_.Retire(0));
}

// The other one dies meanwhile: there is nobody to take over.
TEST_F(RetirementTest, TheLastOneStays) {
  Open(2);
  ASSERT_TRUE(dispatcher_.Retire(0));
  dispatcher_.Close(1, kNow, kSteady);
  EXPECT_FALSE(dispatcher_.IsDrained(0));
  EXPECT_EQ(SentTo(Submit(1), 0), 1U);
}

class RetiringPartitionTest : public ::testing::Test {
 protected:
  std::unique_ptr<ProcessPartition> Start(int processes) {
    ProcessPartition::Options options;
    options.connector =
        std::make_unique<ScriptedConnector>([this](int connection, const PacketSocket& socket) {
          SendReady(socket);
          AnswerAll(socket, [&](const hsm::v1::Operation& operation) {
            ++signed_by_.at(static_cast<size_t>(connection));
            return HealthyAnswer(operation);
          });
        });
    options.processes = processes;
    options.retire_after_signatures = kSignatures;
    options.clock = &clock_;
    options.on_event = [this](const PartitionEvent& event) {
      if (event.kind == PartitionEvent::Kind::kRetired) ++retired_;
      if (event.kind == PartitionEvent::Kind::kEnded) ++ended_;
    };
    auto partition = ProcessPartition::Start(std::move(options));
    EXPECT_TRUE(partition->WaitForFirstProcess().ok());
    return partition;
  }

  static int64_t ReadyProcesses(const ProcessPartition& partition) {
    const auto processes = partition.Status().processes;
    return std::ranges::count_if(processes, &ProcessStatus::ready);
  }

  static constexpr int64_t kSignatures = 50;
  SystemClock clock_;
  std::atomic<int> retired_ = 0;
  std::atomic<int> ended_ = 0;
  std::array<std::atomic<int64_t>, 64> signed_by_ = {};  // each connection
};

TEST_F(RetiringPartitionTest, EveryProcessIsReplacedAndNoSignatureIsLost) {
  auto partition = Start(2);
  while (retired_ < 6) {
    while (ReadyProcesses(*partition) < 2) std::this_thread::yield();
    const auto result = partition->Call(SignOperation(), absl::InfiniteFuture());
    ASSERT_TRUE(result.ok()) << result.status();
  }
  EXPECT_EQ(ended_, 0);
  // Each process for itself; two are not there yet.
  EXPECT_LE(std::ranges::count_if(signed_by_, [](int64_t n) { return 0 < n && n < kSignatures; }),
            2);
  EXPECT_EQ(partition->Status().alarm, "");
}

TEST_F(RetiringPartitionTest, TheOnlyProcessStays) {
  auto partition = Start(1);
  for (int64_t i = 0; i < 3 * kSignatures; ++i) {
    ASSERT_TRUE(partition->Call(SignOperation(), absl::InfiniteFuture()).ok());
  }
  EXPECT_EQ(retired_, 0);
  EXPECT_EQ(partition->Status().processes[0].restarts, 0);
}

}  // namespace
}  // namespace sealward::hsm_client
