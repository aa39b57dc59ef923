// absl::Status to what callers see (AIP-193): the one place where errors leave
// the server.
#ifndef SEALWARD_SERVER_API_STATUS_CONVERSION_H_
#define SEALWARD_SERVER_API_STATUS_CONVERSION_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace sealward::api {

// Longest message sent; gRPC puts it into trailing metadata (8 KiB in all).
inline constexpr size_t kMaxErrorMessageBytes = 1024;
// For UNAVAILABLE and RESOURCE_EXHAUSTED that came without RetryInfo.
inline constexpr absl::Duration kDefaultRetryDelay = absl::Seconds(1);

// What a caller is told of `status`: ErrorInfo always, RetryInfo where it has
// one or the code calls for it, QuotaFailure where it has one. An error that was
// not made for callers (UNKNOWN, INTERNAL, DATA_LOSS, or one without ErrorInfo)
// becomes a message that says nothing but `request_id`; the status itself goes to
// the log under that id.
// REQUIRES: `status` is not OK.
google::rpc::Status ToRpcStatus(const absl::Status& status, absl::string_view request_id);

// As ToRpcStatus, with the google.rpc.Status in the error details. OK for OK.
grpc::Status ToGrpcStatus(const absl::Status& status, absl::string_view request_id);

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_STATUS_CONVERSION_H_
