// What leaves the server as an error. If these break, callers cannot tell
// errors apart, or are told what is none of their business.
#include "server/api/status_conversion.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "common/errors.h"
#include "google/rpc/error_details.pb.h"
#include "server/api/denial.h"

namespace sealward::api {
namespace {

google::rpc::ErrorInfo InfoOf(const google::rpc::Status& status) {
  google::rpc::ErrorInfo info;
  for (const auto& any : status.details()) {
    if (any.Is<google::rpc::ErrorInfo>()) any.UnpackTo(&info);
  }
  return info;
}

bool SaysWhenToRetry(const google::rpc::Status& status) {
  for (const auto& any : status.details()) {
    if (any.Is<google::rpc::RetryInfo>()) return true;
  }
  return false;
}

TEST(StatusConversion, OkIsOk) { EXPECT_TRUE(ToGrpcStatus(absl::OkStatus(), "id").ok()); }

TEST(StatusConversion, ErrorsForCallersPassWithTheirDetails) {
  const auto status =
      ToRpcStatus(MakeError(absl::StatusCode::kInvalidArgument, "NAME_INVALID", "bad name"), "id");
  EXPECT_EQ(status.code(), 3);
  EXPECT_EQ(status.message(), "bad name");
  EXPECT_EQ(InfoOf(status).reason(), "NAME_INVALID");
  EXPECT_EQ(InfoOf(status).domain(), "sealward.dev");
  EXPECT_FALSE(SaysWhenToRetry(status));
  const auto busy = ToRpcStatus(MakeRetryableError(absl::StatusCode::kUnavailable,
                                                   "HSM_UNAVAILABLE", "gone", absl::Seconds(3)),
                                "id");
  EXPECT_TRUE(SaysWhenToRetry(busy));
}

TEST(StatusConversion, AQuotaFailurePasses) {
  const std::vector<QuotaViolation> violations = {{"tenants/a", "5 signatures a second"}};
  const auto status =
      ToRpcStatus(MakeQuotaError("QUOTA_EXCEEDED", "m", violations, absl::Seconds(3)), "id");
  google::rpc::QuotaFailure failure;
  for (const auto& any : status.details()) {
    if (any.Is<google::rpc::QuotaFailure>()) any.UnpackTo(&failure);
  }
  ASSERT_EQ(failure.violations_size(), 1);
  EXPECT_EQ(failure.violations(0).subject(), "tenants/a");
  EXPECT_EQ(failure.violations(0).description(), "5 signatures a second");
  EXPECT_TRUE(SaysWhenToRetry(status));
}

TEST(StatusConversion, UnavailableAlwaysSaysWhenToRetry) {
  for (const auto code : {absl::StatusCode::kUnavailable, absl::StatusCode::kResourceExhausted}) {
    const auto status = ToRpcStatus(MakeError(code, "SOME_REASON", "m"), "id");
    EXPECT_TRUE(SaysWhenToRetry(status));
    EXPECT_EQ(InfoOf(status).reason(), "SOME_REASON");
  }
}

TEST(StatusConversion, InternalErrorsSayNothingButTheRequestId) {
  for (const absl::Status& status : {
           absl::InternalError("secret path"),
           absl::UnknownError("secret path"),
           absl::DataLossError("secret path"),
           absl::InvalidArgumentError("secret path"),
           absl::NotFoundError("secret path"),
           absl::UnavailableError("secret path"),
           absl::AbortedError("secret path"),
           absl::DeadlineExceededError("secret path"),
           MakeError(absl::StatusCode::kInternal, "HSM_REFUSED", "secret path"),
       }) {
    const auto told = ToRpcStatus(status, "req-1");
    EXPECT_FALSE(absl::StrContains(told.SerializeAsString(), "secret")) << status;
    EXPECT_TRUE(absl::StrContains(told.message(), "req-1")) << status;
    EXPECT_NE(InfoOf(told).reason(), "") << status;
    EXPECT_NE(InfoOf(told).reason(), "HSM_REFUSED");
  }
}

TEST(StatusConversion, GrpcStatusCarriesTheSameInItsDetails) {
  const grpc::Status status = ToGrpcStatus(Denied(), "req-1");
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), static_cast<int>(status.error_code()));
  EXPECT_EQ(details.message(), status.error_message());
  EXPECT_EQ(InfoOf(details).reason(), "PERMISSION_DENIED");
}

TEST(StatusConversion, LongMessagesAreCut) {
  const auto status = ToRpcStatus(
      MakeError(absl::StatusCode::kInvalidArgument, "X", std::string(100'000, 'x')), "id");
  EXPECT_EQ(status.message().size(), kMaxErrorMessageBytes);
}

}  // namespace
}  // namespace sealward::api
