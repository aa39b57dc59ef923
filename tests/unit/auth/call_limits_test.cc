// What one principal may hold. If these break, one client's calls or connections
// keep all others out, or a limit that was reached once stays reached for ever.
#include "server/auth/call_limits.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors.h"

namespace sealward::auth {
namespace {

TEST(CallLimits, CallsAreBoundedForEachPrincipal) {
  CallLimits limits({.calls = 2, .connections = 2});
  auto one = limits.Enter("a", "peer1");
  auto two = limits.Enter("a", "peer1");
  ASSERT_TRUE(one.ok() && two.ok());
  const auto three = limits.Enter("a", "peer1");
  EXPECT_EQ(three.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(three.status()), "TOO_MANY_CALLS");
  EXPECT_GT(RetryDelay(three.status()), absl::ZeroDuration());
  EXPECT_TRUE(limits.Enter("b", "peer1").ok());
  one->reset();  // it ends
  EXPECT_TRUE(limits.Enter("a", "peer1").ok());
}

TEST(CallLimits, ConnectionsWithCallsAreBoundedForEachPrincipal) {
  CallLimits limits({.calls = 10, .connections = 2});
  auto one = limits.Enter("a", "peer1");
  const auto two = limits.Enter("a", "peer2");
  const auto again = limits.Enter("a", "peer2");
  EXPECT_EQ(ErrorReason(limits.Enter("a", "peer3").status()), "TOO_MANY_CONNECTIONS");
  EXPECT_TRUE(limits.Enter("b", "peer3").ok());
  one->reset();
  EXPECT_TRUE(limits.Enter("a", "peer3").ok());
}

TEST(CallLimits, ACallEndsWithItsLastCopy) {
  CallLimits limits({.calls = 1, .connections = 1});
  auto one = limits.Enter("a", "p");
  CallLimits::Slot copy = *one;
  one->reset();
  EXPECT_FALSE(limits.Enter("a", "p").ok());
  copy.reset();
  EXPECT_TRUE(limits.Enter("a", "p").ok());
}

TEST(CallLimits, ManyThreadsLeaveNothingBehind) {
  CallLimits limits({.calls = 4, .connections = 4});
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&limits, t] {
      for (int i = 0; i < 5000; ++i) {
        EXPECT_TRUE(limits.Enter("a", absl::StrCat(t)).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<CallLimits::Slot> slots;
  slots.reserve(4);
  for (int i = 0; i < 4; ++i) slots.push_back(*limits.Enter("a", "p"));
  EXPECT_FALSE(limits.Enter("a", "p").ok());
}

}  // namespace
}  // namespace sealward::auth
