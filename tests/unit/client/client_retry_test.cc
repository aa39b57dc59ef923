#include "client/retry.h"
#include "common/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sealward::client {
namespace {

using testing::Eq;
using testing::Optional;

const absl::Status kBroken = absl::UnavailableError("connection reset");

absl::Status Busy(absl::Duration delay) {
  return MakeRetryableError(absl::StatusCode::kResourceExhausted, "QUEUE_FULL", "busy", delay);
}

// Repeating what cannot succeed only loads a server that is in trouble.
TEST(IsRetryable, OnlyWhatMaySucceedLater) {
  EXPECT_TRUE(IsRetryable(kBroken));
  EXPECT_TRUE(IsRetryable(Busy(absl::Milliseconds(1))));
  EXPECT_FALSE(IsRetryable(absl::ResourceExhaustedError("message larger than max")));
  EXPECT_FALSE(IsRetryable(absl::DeadlineExceededError("")));
  EXPECT_FALSE(IsRetryable(absl::PermissionDeniedError("")));
  EXPECT_FALSE(IsRetryable(absl::InternalError("")));
}

// Without growth and jitter all clients of a restarting server knock together.
TEST(NextPause, DoublesUpToALimitAndSpreads) {
  const RetryPolicy policy{100, absl::Milliseconds(50), absl::Milliseconds(300)};
  const auto pause = [&](int attempts, double random) {
    return NextPause(policy, kBroken, attempts, absl::Hours(1), random);
  };
  EXPECT_THAT(pause(1, 0), Optional(absl::Milliseconds(25)));
  EXPECT_THAT(pause(1, 1), Optional(absl::Milliseconds(50)));
  EXPECT_THAT(pause(2, 1), Optional(absl::Milliseconds(100)));
  EXPECT_THAT(pause(4, 1), Optional(absl::Milliseconds(300)));
  EXPECT_THAT(pause(90, 1), Optional(absl::Milliseconds(300)));
}

// A client that knocks sooner than RetryInfo says makes the overload worse.
TEST(NextPause, NeverShorterThanRetryInfo) {
  const RetryPolicy policy;
  const auto busy = Busy(absl::Seconds(3));
  EXPECT_THAT(NextPause(policy, busy, 1, absl::Minutes(1), 0), Optional(absl::Seconds(3)));
  EXPECT_THAT(NextPause(policy, busy, 1, absl::Minutes(1), 1), Optional(absl::Seconds(3.75)));
  // The jitter must not push a retry that fits beyond the deadline.
  EXPECT_THAT(NextPause(policy, busy, 1, absl::Seconds(3.1), 1), Optional(absl::Seconds(3)));
}

// Waiting for an answer that would come too late keeps the caller for nothing.
TEST(NextPause, GivesUpWithoutTimeOrAttempts) {
  const RetryPolicy policy{3, absl::Milliseconds(50), absl::Seconds(1)};
  EXPECT_THAT(NextPause(policy, Busy(absl::Seconds(3)), 1, absl::Seconds(3), 0), Eq(std::nullopt));
  EXPECT_THAT(NextPause(policy, kBroken, 1, absl::Milliseconds(-1), 0), Eq(std::nullopt));
  EXPECT_NE(NextPause(policy, kBroken, 2, absl::Hours(1), 0), std::nullopt);
  EXPECT_THAT(NextPause(policy, kBroken, 3, absl::Hours(1), 0), Eq(std::nullopt));
}

}  // namespace
}  // namespace sealward::client
