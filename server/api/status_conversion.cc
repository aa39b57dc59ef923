#include "server/api/status_conversion.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/telemetry/logging.h"

namespace sealward::api {
namespace {

bool IsForCallers(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kDataLoss:
      return false;
    default:
      return !ErrorReason(status).empty();
  }
}

// What stands in for an error that was not made for callers. The code stays
// where a caller can do something with it.
absl::Status Generic(const absl::Status& status, absl::string_view request_id) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return MakeError(status.code(), "SERVICE_UNAVAILABLE",
                       absl::StrCat("a part of the service is unavailable; try again (request ",
                                    request_id, ")"));
    case absl::StatusCode::kAborted:
      return MakeError(status.code(), "CONCURRENT_CHANGE",
                       absl::StrCat("somebody else changed the resource at the same time; read it "
                                    "again and retry (request ",
                                    request_id, ")"));
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
      return MakeError(status.code(), "CALL_ENDED",
                       absl::StrCat("the call ended before its work (request ", request_id, ")"));
    default:
      return MakeError(
          absl::StatusCode::kInternal, "INTERNAL",
          absl::StrCat("internal error; the server's log has it as request ", request_id));
  }
}

bool NeedsRetryInfo(const absl::Status& status) {
  return (status.code() == absl::StatusCode::kUnavailable ||
          status.code() == absl::StatusCode::kResourceExhausted) &&
         !status.GetPayload(kRetryInfoUrl).has_value();
}

absl::Status ForCallers(const absl::Status& status, absl::string_view request_id) {
  absl::Status out = status;
  if (!IsForCallers(status)) {
    telemetry::Log(telemetry::Level::kError, "rpc_internal_error",
                   {{"request_id", request_id}, {"status", status.ToString()}});
    out = Generic(status, request_id);
  }
  if (!NeedsRetryInfo(out)) return out;
  return MakeRetryableError(out.code(), ErrorReason(out), out.message(), kDefaultRetryDelay);
}

void AddDetail(const absl::Status& status, absl::string_view url, google::rpc::Status& out) {
  const auto payload = status.GetPayload(url);
  if (!payload) return;
  auto* detail = out.add_details();
  detail->set_type_url(std::string(url));
  detail->set_value(std::string(*payload));
}

}  // namespace

google::rpc::Status ToRpcStatus(const absl::Status& status, absl::string_view request_id) {
  const absl::Status told = ForCallers(status, request_id);
  google::rpc::Status out;
  out.set_code(static_cast<int>(told.code()));
  out.set_message(std::string(told.message().substr(0, kMaxErrorMessageBytes)));
  AddDetail(told, kErrorInfoUrl, out);
  AddDetail(told, kRetryInfoUrl, out);
  AddDetail(told, kQuotaFailureUrl, out);
  AddDetail(told, kBadRequestUrl, out);
  return out;
}

grpc::Status ToGrpcStatus(const absl::Status& status, absl::string_view request_id) {
  if (status.ok()) return grpc::Status::OK;
  const google::rpc::Status out = ToRpcStatus(status, request_id);
  return grpc::Status(static_cast<grpc::StatusCode>(out.code()), out.message(),
                      out.SerializeAsString());
}

}  // namespace sealward::api
