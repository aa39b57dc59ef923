// A partition whose processes hang or find their HSM gone, on a clock of its own.
// If these go, a hung process would keep its callers for ever, one that hangs in its
// login would be killed there, or an outage would need a restart of the server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "server/hsm_client/process_partition.h"
#include "tests/unit/hsm_client/scripted_connector.h"

namespace sealward::hsm_client {
namespace {

using std::chrono::steady_clock;
using ::testing::HasSubstr;
using Kind = PartitionEvent::Kind;

class PartitionOutageTest : public ::testing::Test {
 protected:
  std::unique_ptr<ProcessPartition> Start(int processes, Behaviour behaviour) {
    ProcessPartition::Options options;
    options.connector = std::make_unique<ScriptedConnector>(std::move(behaviour));
    options.processes = processes;
    options.clock = &clock_;
    options.steady = [this] { return steady_clock::time_point(now_.load()); };
    options.on_event = [this](const PartitionEvent& event) {
      absl::MutexLock lock(&mu_);
      events_.push_back(event);
    };
    return ProcessPartition::Start(std::move(options));
  }

  void Advance(std::chrono::milliseconds time) { now_ = now_.load() + time; }

  size_t Count(Kind kind) {
    absl::MutexLock lock(&mu_);
    return CountLocked(kind);
  }
  // Returns when `kind` was told for the n-th time.
  void Await(Kind kind, size_t n = 1) {
    absl::MutexLock lock(&mu_);
    const auto told = [&] {
      mu_.AssertReaderHeld();
      return CountLocked(kind) >= n;
    };
    mu_.Await(absl::Condition(&told));
  }

  absl::Status Sign(ProcessPartition& partition) {
    auto result = partition.Call(SignOperation(), absl::InfiniteFuture());
    if (!result.ok()) return result.status();
    return absl::Status(static_cast<absl::StatusCode>(result->code()), result->message());
  }

  SystemClock clock_;
  std::atomic<steady_clock::duration> now_{std::chrono::hours{1}};
  absl::Mutex mu_;
  std::vector<PartitionEvent> events_ ABSL_GUARDED_BY(mu_);

 private:
  size_t CountLocked(Kind kind) const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return static_cast<size_t>(std::ranges::count(events_, kind, &PartitionEvent::kind));
  }
};

TEST_F(PartitionOutageTest, AProcessThatHangsIsReplaced) {
  absl::Notification received;
  auto partition = Start(1, [&](int connection, PacketSocket& socket) {
    if (connection > 0) return Serve(socket);
    SendReady(socket);
    std::string buffer;
    ASSERT_TRUE(socket.Receive(buffer).ok());
    received.Notify();
    while (socket.Receive(buffer).ok()) {
    }
  });
  ASSERT_TRUE(partition->WaitForFirstProcess().ok());
  absl::Notification failed;
  Partition::Submission submission;
  submission.operation = SignOperation();
  submission.deadline = absl::InfiniteFuture();
  submission.done = [&](const auto& result) {
    EXPECT_TRUE(absl::IsUnavailable(result.status())) << result.status();
    failed.Notify();
  };
  partition->Submit(std::move(submission));
  received.WaitForNotification();
  EXPECT_EQ(Count(Kind::kWedged), 0U);
  Advance(kSigningTimeout + std::chrono::seconds(1));
  Await(Kind::kWedged);
  failed.WaitForNotification();
  // The delay counts from some moment after the end was told.
  while (!Sign(*partition).ok()) Advance(kFirstRestartDelay);
  Await(Kind::kReady, 2);
}

// It may be rewriting the file that holds every key.
TEST_F(PartitionOutageTest, AStartThatHangsIsToldAndLeftAlone) {
  absl::Notification back;
  std::atomic<bool> cut_off = false;
  auto partition = Start(1, [&](int, PacketSocket& socket) {
    back.WaitForNotification();
    hsm::v1::ResponsePacket ready;
    ready.mutable_ready();
    cut_off = !socket.SendBlocking(ready.SerializeAsString()).ok();
    AnswerAll(socket, HealthyAnswer);
  });
  Await(Kind::kStarted);
  Advance(kStartPatience);
  Await(Kind::kSlowStart);
  EXPECT_THAT(partition->Status().alarm, HasSubstr("not ready after 30s"));
  EXPECT_FALSE(partition->Health().ok());
  Advance(std::chrono::hours(1));
  EXPECT_TRUE(absl::IsUnavailable(Sign(*partition))) << "at once, not when it is ready";
  back.Notify();
  ASSERT_TRUE(partition->WaitForFirstProcess().ok());
  EXPECT_FALSE(cut_off);
  EXPECT_EQ(partition->Status().alarm, "");
  EXPECT_TRUE(Sign(*partition).ok());
  EXPECT_EQ(Count(Kind::kSlowStart), 1U);
  EXPECT_EQ(Count(Kind::kWedged) + Count(Kind::kEnded), 0U);
}

// The HSM goes and comes back; nobody but the supervisor does anything about it.
TEST_F(PartitionOutageTest, AnOutageIsNoticedAndItsEndIsNoticed) {
  std::atomic<bool> gone = false;
  std::atomic<int> asked = 0;
  auto partition = Start(2, [&](int, PacketSocket& socket) {
    SendReady(socket);
    AnswerAll(socket, [&](const hsm::v1::Operation& operation) {
      ++asked;
      hsm::v1::Result result = HealthyAnswer(operation);
      if (gone) {
        result.clear_value();
        result.set_code(static_cast<int>(absl::StatusCode::kUnavailable));
        result.set_ck_rv(0x30);
      }
      return result;
    });
  });
  Await(Kind::kReady, 2);
  ASSERT_TRUE(Sign(*partition).ok());
  gone = true;
  for (int i = 0; i < kBreakerThreshold; ++i) EXPECT_TRUE(absl::IsUnavailable(Sign(*partition)));
  Await(Kind::kBreakerOpened);
  EXPECT_NE(partition->Status().breaker, BreakerState::kClosed);
  EXPECT_THAT(partition->Status().alarm, HasSubstr("the HSM does not answer"));
  EXPECT_FALSE(partition->Health().ok());
  const int before = asked;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(absl::IsUnavailable(Sign(*partition)));
  EXPECT_EQ(asked, before) << "the HSM is left alone";

  gone = false;
  Advance(kLastProbeDelay);
  Await(Kind::kBreakerClosed);
  EXPECT_TRUE(Sign(*partition).ok());
  EXPECT_TRUE(partition->Health().ok());
  EXPECT_EQ(partition->Status().alarm, "");
  EXPECT_EQ(Count(Kind::kEnded), 0U);
}

}  // namespace
}  // namespace sealward::hsm_client
