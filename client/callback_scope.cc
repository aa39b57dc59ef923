#include "client/callback_scope.h"

#include "common/errors.h"

namespace sealward::client {

thread_local bool CallbackScope::inside_ = false;

absl::Status CallbackScope::MayBlock() {
  if (!inside_) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "CALLED_IN_CALLBACK",
                   "this call waits, and a callback of the client library must not: the thread "
                   "that it holds is the one that brings answers; use the asynchronous form");
}

}  // namespace sealward::client
