// Where administrative calls wait. If these break, a hung HSM takes all of
// gRPC's threads, or a shutdown loses a call.
#include "server/api/executor.h"

#include <gtest/gtest.h>

#include <atomic>

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

}  // namespace
}  // namespace sealward::api
