#include "client/status.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"

namespace sealward::client {

absl::Status FromRpcStatus(const google::rpc::Status& status) {
  absl::Status result(static_cast<absl::StatusCode>(status.code()), status.message());
  for (const auto& detail : status.details()) {
    result.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return result;
}

absl::Status FromGrpcStatus(const grpc::Status& status, absl::string_view target) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status rpc;
  if (!status.error_details().empty() && rpc.ParseFromString(status.error_details()) &&
      rpc.code() == static_cast<int>(status.error_code())) {
    return FromRpcStatus(rpc);
  }
  if (status.error_code() == grpc::StatusCode::CANCELLED) {
    return MakeError(absl::StatusCode::kUnavailable, kConnectionFailed,
                     absl::StrCat("the server at ", target,
                                  " is stopping and did not take the request; try again"));
  }
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    return MakeError(absl::StatusCode::kUnavailable, kConnectionFailed,
                     absl::StrCat("no connection to ", target, " (", status.error_message(),
                                  "); check that sealward-server runs there, that the CA file is "
                                  "the one that signed its certificate, and that it accepts this "
                                  "client certificate"));
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace sealward::client
