#include "common/errors.h"

#include <gtest/gtest.h>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"

namespace sealward {
namespace {

TEST(ErrorsTest, CarryReasonAndDomain) {
  const absl::Status status = MakeError(absl::StatusCode::kAborted, "ETAG_MISMATCH", "read again");
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(status.message(), "read again");
  EXPECT_EQ(ErrorReason(status), "ETAG_MISMATCH");
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(info.ParseFromString(std::string(*status.GetPayload(kErrorInfoUrl))));
  EXPECT_EQ(info.domain(), "sealward.dev");
  EXPECT_EQ(RetryDelay(status), absl::ZeroDuration());
}

// Clients wait for exactly this long: a lost fraction would make them hammer.
TEST(ErrorsTest, RetryDelaySurvivesWhole) {
  for (const absl::Duration delay :
       {absl::ZeroDuration(), absl::Milliseconds(1), absl::Milliseconds(1500), absl::Hours(25)}) {
    const absl::Status status =
        MakeRetryableError(absl::StatusCode::kUnavailable, "HSM_UNAVAILABLE", "retry", delay);
    EXPECT_EQ(RetryDelay(status), delay);
    EXPECT_EQ(ErrorReason(status), "HSM_UNAVAILABLE");
  }
}

TEST(ErrorsTest, StatusWithoutDetailsHasNone) {
  EXPECT_EQ(ErrorReason(absl::OkStatus()), "");
  EXPECT_EQ(ErrorReason(absl::InternalError("x")), "");
  EXPECT_EQ(RetryDelay(absl::InternalError("x")), absl::ZeroDuration());
}

// Details come from other processes too.
TEST(ErrorsTest, GarbledDetailsAreNone) {
  absl::Status status = absl::InternalError("x");
  status.SetPayload(kErrorInfoUrl, absl::Cord("\xff\xff"));
  status.SetPayload(kRetryInfoUrl, absl::Cord("\xff\xff"));
  EXPECT_EQ(ErrorReason(status), "");
  EXPECT_EQ(RetryDelay(status), absl::ZeroDuration());
}

}  // namespace
}  // namespace sealward
