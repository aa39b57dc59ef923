#include "common/errors.h"

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"

namespace sealward {

namespace {

google::rpc::ErrorInfo Info(absl::string_view reason) {
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain(std::string(kErrorDomain));
  return info;
}

// Without a reason where `status` has none.
google::rpc::ErrorInfo InfoOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kErrorInfoUrl);
  google::rpc::ErrorInfo info;
  if (!payload || !info.ParseFromString(std::string(*payload))) return {};
  return info;
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message) {
  absl::Status status(code, message);
  status.SetPayload(kErrorInfoUrl, absl::Cord(Info(reason).SerializeAsString()));
  return status;
}

absl::Status MakeErrorAbout(absl::StatusCode code, absl::string_view reason,
                            absl::string_view message, absl::string_view metadata_key,
                            absl::string_view metadata_value) {
  absl::Status status(code, message);
  google::rpc::ErrorInfo info = Info(reason);
  (*info.mutable_metadata())[std::string(metadata_key)] = std::string(metadata_value);
  status.SetPayload(kErrorInfoUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

absl::Status MakeRetryableError(absl::StatusCode code, absl::string_view reason,
                                absl::string_view message, absl::Duration retry_delay) {
  absl::Status status = MakeError(code, reason, message);
  google::rpc::RetryInfo retry;
  absl::Duration rest;
  retry.mutable_retry_delay()->set_seconds(
      absl::IDivDuration(retry_delay, absl::Seconds(1), &rest));
  retry.mutable_retry_delay()->set_nanos(static_cast<int>(absl::ToInt64Nanoseconds(rest)));
  status.SetPayload(kRetryInfoUrl, absl::Cord(retry.SerializeAsString()));
  return status;
}

absl::Status MakeQuotaError(absl::string_view reason, absl::string_view message,
                            std::span<const QuotaViolation> violations,
                            absl::Duration retry_delay) {
  absl::Status status =
      MakeRetryableError(absl::StatusCode::kResourceExhausted, reason, message, retry_delay);
  google::rpc::QuotaFailure failure;
  for (const QuotaViolation& each : violations) {
    auto* violation = failure.add_violations();
    violation->set_subject(each.subject);
    violation->set_description(each.description);
  }
  status.SetPayload(kQuotaFailureUrl, absl::Cord(failure.SerializeAsString()));
  return status;
}

absl::Status MakeFieldError(absl::StatusCode code, absl::string_view reason,
                            absl::string_view message, std::span<const FieldViolation> violations) {
  absl::Status status = MakeError(code, reason, message);
  google::rpc::BadRequest bad;
  for (const FieldViolation& each : violations) {
    auto* violation = bad.add_field_violations();
    violation->set_field(each.field);
    violation->set_description(each.description);
  }
  status.SetPayload(kBadRequestUrl, absl::Cord(bad.SerializeAsString()));
  return status;
}

std::string ErrorReason(const absl::Status& status) { return InfoOf(status).reason(); }

std::string ErrorMetadata(const absl::Status& status, absl::string_view key) {
  const google::rpc::ErrorInfo info = InfoOf(status);
  const auto found = info.metadata().find(std::string(key));
  return found == info.metadata().end() ? "" : found->second;
}

absl::Duration RetryDelay(const absl::Status& status) {
  const auto payload = status.GetPayload(kRetryInfoUrl);
  google::rpc::RetryInfo retry;
  if (!payload || !retry.ParseFromString(std::string(*payload))) return absl::ZeroDuration();
  return absl::Seconds(retry.retry_delay().seconds()) +
         absl::Nanoseconds(retry.retry_delay().nanos());
}

}  // namespace sealward
