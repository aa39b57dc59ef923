// The errors about a resource as a whole, in the same words everywhere. For
// callers who may know that it exists, or does not.
#ifndef SEALWARD_SERVER_LIFECYCLE_RESOURCE_ERRORS_H_
#define SEALWARD_SERVER_LIFECYCLE_RESOURCE_ERRORS_H_

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/errors.h"

namespace sealward {

inline absl::Status ResourceNotFound(absl::string_view name) {
  return MakeError(absl::StatusCode::kNotFound, "NOT_FOUND",
                   absl::StrCat(name, " does not exist; list its parent to see what does"));
}

inline absl::Status ResourceExists(absl::string_view name) {
  return MakeError(absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS",
                   absl::StrCat(name, " exists already; get it, or choose another id"));
}

inline constexpr absl::string_view kEtagMismatch = "ETAG_MISMATCH";

inline absl::Status EtagMismatch(absl::string_view name) {
  return MakeError(absl::StatusCode::kAborted, kEtagMismatch,
                   absl::StrCat(name, " has changed since that etag was read; read it again"));
}

inline absl::Status KeyBusy(absl::string_view name) {
  return MakeError(absl::StatusCode::kDeadlineExceeded, "KEY_BUSY",
                   absl::StrCat("another change of ", name, " is still under way; try again"));
}

inline absl::Status ConcurrentChange() {
  return MakeError(absl::StatusCode::kAborted, "CONCURRENT_CHANGE",
                   "others keep changing the same resource; try again");
}

}  // namespace sealward

#endif  // SEALWARD_SERVER_LIFECYCLE_RESOURCE_ERRORS_H_
