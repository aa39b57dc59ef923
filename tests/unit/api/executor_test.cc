// Where administrative calls wait. If these break, a hung HSM takes all of
// gRPC's threads, or a shutdown loses a call.
#include "server/api/executor.h"

#include <gtest/gtest.h>

#include <atomic>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"

namespace sealward::api {
namespace {

TEST(Executor, RunsWhatWasQueuedBeforeItStops) {
  std::atomic<int> ran{0};
  Executor executor(2, 100);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(executor.Submit([&ran] { ++ran; }));
  executor.Stop();
  EXPECT_EQ(ran, 50);
  EXPECT_FALSE(executor.Submit([&ran] { ++ran; }));
  executor.Stop();
  EXPECT_EQ(ran, 50);
}

TEST(Executor, RefusesBeyondItsQueue) {
  absl::Notification started;
  absl::Notification go_on;
  Executor executor(1, 2);
  ASSERT_TRUE(executor.Submit([&] {
    started.Notify();
    go_on.WaitForNotification();
  }));
  started.WaitForNotification();
  EXPECT_TRUE(executor.Submit([] {}));
  EXPECT_TRUE(executor.Submit([] {}));
  EXPECT_FALSE(executor.Submit([] {}));
  go_on.Notify();
  executor.Stop();
}

// What an HSM that hangs holds up is what waits for it.
TEST(Executor, ALaneThatHangsLeavesThreadsToTheOthers) {
  absl::Notification go_on;
  std::atomic<int> hung{0};
  std::atomic<int> hung_done{0};
  absl::BlockingCounter lane_full(kThreadsPerLane);
  Executor executor(kThreadsPerLane + 1, 256);
  for (size_t i = 0; i < kThreadsPerLane + kMaxQueuedPerLane; ++i) {
    bool queued = false;
    // A place in the lane is free once a thread has taken a task.
    while (!queued) {
      queued = executor.Submit(
          [&] {
            if (++hung <= kThreadsPerLane) lane_full.DecrementCount();
            go_on.WaitForNotification();
            ++hung_done;
          },
          "hung");
    }
  }
  EXPECT_FALSE(executor.Submit([] {}, "hung"));
  lane_full.Wait();
  for (const char* lane : {"", "other"}) {
    absl::Notification ran;
    ASSERT_TRUE(executor.Submit([&ran] { ran.Notify(); }, lane));
    ran.WaitForNotification();
  }
  EXPECT_EQ(hung, kThreadsPerLane);
  go_on.Notify();
  executor.Stop();
  EXPECT_EQ(hung_done, kThreadsPerLane + static_cast<int>(kMaxQueuedPerLane));
}

}  // namespace
}  // namespace sealward::api
