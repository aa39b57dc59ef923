// gRPC's statuses as absl::Status, details included.
#ifndef SEALWARD_CLIENT_STATUS_H_
#define SEALWARD_CLIENT_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace sealward::client {

// ErrorInfo.reason of an UNAVAILABLE that no server sent: the connection could
// not be made, or broke.
inline constexpr absl::string_view kConnectionFailed = "CONNECTION_FAILED";

// The status with code, message and every google.rpc detail as a payload under
// its type URL, so that common/errors.h (ErrorReason, RetryDelay) reads them.
// An UNAVAILABLE without details comes from the transport: it gets the reason
// CONNECTION_FAILED and a message that names `target`. So does a CANCELLED: a
// gRPC server gives it to requests that reach it after it began to stop.
// REQUIRES: the caller did not cancel the call.
absl::Status FromGrpcStatus(const grpc::Status& status, absl::string_view target);

// The same for one entry of a batch.
absl::Status FromRpcStatus(const google::rpc::Status& status);

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_STATUS_H_
