#include "hsm/exit_codes.h"

#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "hsm/pkcs11/rv.h"

namespace sealward::hsm {
namespace {

constexpr absl::string_view kExitUrl = "type.sealward.dev/exit_code";

}  // namespace

absl::Status ExitError(int exit_code, absl::string_view reason, absl::string_view message) {
  return WithExitCode(exit_code, MakeError(absl::StatusCode::kFailedPrecondition, reason, message));
}

absl::Status WithExitCode(int exit_code, absl::Status status) {
  if (!status.ok() && !status.GetPayload(kExitUrl)) {
    status.SetPayload(kExitUrl, absl::Cord(absl::StrCat(exit_code)));
  }
  return status;
}

absl::Status WithUnusableExitCode(absl::Status status) {
  const CK_RV rv = pkcs11::RvOf(status);
  const bool lost = pkcs11::IsTokenLost(rv) || pkcs11::IsDoubtful(rv);
  return WithExitCode(lost ? kExitHsmLost : kExitPartitionUnusable, std::move(status));
}

int ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return kExitOk;
  const auto payload = status.GetPayload(kExitUrl);
  int code = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &code)) return kExitPartitionUnusable;
  return code;
}

}  // namespace sealward::hsm
