// The partition with processes that misbehave. The peer here is a thread at the
// other end of a real socketpair: what is tested is our side. If these go, a
// process that dies would strand its callers, or a server would hang at its end.
#include "server/hsm_client/process_partition.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "common/errors.h"
#include "server/hsm_client/cost.h"
#include "tests/unit/hsm_client/scripted_connector.h"

namespace sealward::hsm_client {
namespace {

Partition::Submission SignSubmission(Partition::Done done) {
  Partition::Submission submission;
  submission.operation = SignOperation();
  submission.deadline = absl::InfiniteFuture();
  submission.done = std::move(done);
  return submission;
}

class ProcessPartitionTest : public ::testing::Test {
 protected:
  std::unique_ptr<ProcessPartition> Start(int processes, Behaviour behaviour) {
    ProcessPartition::Options options;
    options.connector = std::make_unique<ScriptedConnector>(std::move(behaviour));
    options.processes = processes;
    options.clock = &clock_;
    return ProcessPartition::Start(std::move(options));
  }
  SystemClock clock_;
};

TEST_F(ProcessPartitionTest, CarriesOperationsAndCountsSignatures) {
  auto partition = Start(2, [](int, PacketSocket& socket) { Serve(socket); });
  ASSERT_TRUE(partition->WaitForFirstProcess().ok());
  for (int i = 0; i < 100; ++i) {
    auto result = partition->Call(SignOperation(), absl::InfiniteFuture());
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->signature().signature(), "s");
  }
  int64_t signatures = 0;
  for (const auto& process : partition->Status().processes) signatures += process.signatures;
  EXPECT_EQ(signatures, 100);
  EXPECT_EQ(partition->Status().description.label(), "test");
}

// What the process says of itself decides how much it gets: costly signatures would otherwise
// keep one of its sessions busy.
TEST_F(ProcessPartitionTest, APacketHasWorkForAllSessionsOfTheProcess) {
  constexpr int kSessions = 4;
  std::atomic<int> first = 0;
  auto partition = Start(1, [&](int connection, PacketSocket& socket) {
    if (connection > 0) return Serve(socket);
    SendReady(socket, kSessions);
    std::string buffer;
    ASSERT_TRUE(socket.Receive(buffer).ok());
    hsm::v1::RequestPacket request;
    ASSERT_TRUE(request.ParseFromString(buffer));
    first = request.operations_size();
  });
  ASSERT_TRUE(partition->WaitForFirstProcess().ok());
  absl::BlockingCounter done(2 * kSessions);
  std::vector<Partition::Submission> costly;
  costly.reserve(size_t{2} * kSessions);
  for (int n = 0; n < 2 * kSessions; ++n) {
    costly.push_back(SignSubmission([&](const auto&) { done.DecrementCount(); }));
    costly.back().cost = kMaxPacketCost;
  }
  partition->SubmitAll(std::move(costly));
  done.Wait();
  EXPECT_EQ(first, kSessions);
}

TEST_F(ProcessPartitionTest, ADyingProcessFailsItsOperationsAndIsReplaced) {
  auto partition = Start(1, [](int connection, PacketSocket& socket) {
    if (connection > 0) return Serve(socket);
    SendReady(socket);
    std::string buffer;
    ASSERT_TRUE(socket.Receive(buffer).ok());  // takes the request to its grave
  });
  ASSERT_TRUE(partition->WaitForFirstProcess().ok());
  auto lost = partition->Call(SignOperation(), absl::InfiniteFuture());
  EXPECT_EQ(lost.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_GT(RetryDelay(lost.status()), absl::ZeroDuration());
  absl::StatusOr<hsm::v1::Result> next;
  do {
    next = partition->Call(SignOperation(), absl::InfiniteFuture());
  } while (next.status().code() == absl::StatusCode::kUnavailable);
  EXPECT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(partition->Status().processes[0].restarts, 1);
}

TEST_F(ProcessPartitionTest, AProcessThatDoesNotBeginWithReadyGetsNoWork) {
  std::atomic<int> requests = 0;
  auto partition = Start(1, [&](int, PacketSocket& socket) {
    hsm::v1::ResponsePacket not_ready;
    not_ready.set_packet_id(1);
    not_ready.add_results();
    EXPECT_TRUE(socket.SendBlocking(not_ready.SerializeAsString()).ok());
    std::string buffer;
    while (socket.Receive(buffer).ok()) ++requests;
  });
  EXPECT_FALSE(partition->WaitForFirstProcess().ok());
  auto result = partition->Call(SignOperation(), absl::InfiniteFuture());
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable);
  partition->Stop(std::chrono::steady_clock::now());
  EXPECT_EQ(requests, 0);
}

TEST_F(ProcessPartitionTest, ALyingProcessIsReplaced) {
  auto partition = Start(1, [](int connection, PacketSocket& socket) {
    if (connection > 0) return Serve(socket);
    SendReady(socket);
    std::string buffer;
    ASSERT_TRUE(socket.Receive(buffer).ok());
    hsm::v1::ResponsePacket wrong;
    wrong.set_packet_id(4711);
    ASSERT_TRUE(socket.SendBlocking(wrong.SerializeAsString()).ok());
    while (socket.Receive(buffer).ok()) {
    }
  });
  ASSERT_TRUE(partition->WaitForFirstProcess().ok());
  EXPECT_EQ(partition->Call(SignOperation(), absl::InfiniteFuture()).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(ProcessPartitionTest, StopLetsWorkUnderWayFinish) {
  absl::Notification received;
  absl::Notification release;
  auto partition = Start(1, [&](int, PacketSocket& socket) {
    SendReady(socket);
    std::string buffer;
    ASSERT_TRUE(socket.Receive(buffer).ok());
    received.Notify();
    release.WaitForNotification();
    hsm::v1::RequestPacket request;
    ASSERT_TRUE(request.ParseFromString(buffer));
    hsm::v1::ResponsePacket response;
    response.set_packet_id(request.packet_id());
    response.add_results()->mutable_signature()->set_signature("late");
    ASSERT_TRUE(socket.SendBlocking(response.SerializeAsString()).ok());
    while (socket.Receive(buffer).ok()) {
    }
  });
  ASSERT_TRUE(partition->WaitForFirstProcess().ok());
  absl::StatusOr<hsm::v1::Result> result;
  absl::Notification done;
  partition->Submit(SignSubmission([&](auto answer) {
    result = std::move(answer);
    done.Notify();
  }));
  received.WaitForNotification();
  std::thread stopper(
      [&] { partition->Stop(std::chrono::steady_clock::now() + std::chrono::seconds(30)); });
  release.Notify();
  done.WaitForNotification();
  stopper.join();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->signature().signature(), "late");
}

TEST_F(ProcessPartitionTest, StopFailsWhatCannotFinish) {
  auto partition = Start(1, [](int, PacketSocket& socket) {
    SendReady(socket);
    std::string buffer;
    while (socket.Receive(buffer).ok()) {
    }
  });
  ASSERT_TRUE(partition->WaitForFirstProcess().ok());
  absl::Notification done;
  absl::Status status;
  partition->Submit(SignSubmission([&](auto answer) {
    status = answer.status();
    done.Notify();
  }));
  partition->Stop(std::chrono::steady_clock::now());
  done.WaitForNotification();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
}

TEST_F(ProcessPartitionTest, EveryProcessForgets) {
  std::array<std::atomic<int>, 3> forgets = {};
  auto partition = Start(3, [&](int process, PacketSocket& socket) {
    SendReady(socket);
    std::string buffer;
    while (socket.Receive(buffer).ok()) {
      hsm::v1::RequestPacket request;
      ASSERT_TRUE(request.ParseFromString(buffer));
      hsm::v1::ResponsePacket response;
      response.set_packet_id(request.packet_id());
      for (const auto& operation : request.operations()) {
        if (operation.has_forget()) ++forgets.at(static_cast<size_t>(process));
        response.add_results();
      }
      if (!socket.SendBlocking(response.SerializeAsString()).ok()) return;
    }
  });
  // Before any is ready it is told, too.
  const std::vector<std::string> ids = {"one", "two"};
  const auto all_ready = [&] {
    const auto processes = partition->Status().processes;
    return std::ranges::all_of(processes, [](const auto& each) { return each.ready; });
  };
  while (!all_ready()) ASSERT_TRUE(partition->ForgetEverywhere(ids, absl::InfiniteFuture()).ok());
  for (auto& each : forgets) each = 0;
  ASSERT_TRUE(partition->ForgetEverywhere(ids, absl::InfiniteFuture()).ok());
  // At least: what was sent to one that was starting may still be on its way.
  for (const auto& each : forgets) EXPECT_GE(each, 2);
}

// A process that ends instead of answering has forgotten too; one that neither answers
// nor ends keeps the caller waiting to the deadline.
TEST_F(ProcessPartitionTest, AProcessThatEndsHasForgotten) {
  absl::Notification asked;
  absl::Notification end;
  auto partition = Start(1, [&](int connection, PacketSocket& socket) {
    if (connection > 0) return Serve(socket);
    SendReady(socket);
    std::string buffer;
    ASSERT_TRUE(socket.Receive(buffer).ok());
    asked.Notify();
    end.WaitForNotification();
  });
  ASSERT_TRUE(partition->WaitForFirstProcess().ok());
  const std::vector<std::string> ids = {"one"};
  EXPECT_EQ(ErrorReason(partition->ForgetEverywhere(ids, clock_.Now())), "FORGET_PENDING");
  asked.WaitForNotification();
  end.Notify();
  EXPECT_TRUE(partition->ForgetEverywhere(ids, absl::InfiniteFuture()).ok());
}

}  // namespace
}  // namespace sealward::hsm_client
