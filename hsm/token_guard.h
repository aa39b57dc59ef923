// The guard of SoftHSM2's token.object, the file that holds the partition's
// master key.
//
// SoftHSM2 2.6.1 truncates and rewrites that file in every C_Login. A process
// that is killed in between leaves it empty, and with it every key of the
// partition is lost. So a copy is kept beside the partition, and a file that is
// empty or shorter than the copy is replaced by it.
#ifndef SEALWARD_HSM_TOKEN_GUARD_H_
#define SEALWARD_HSM_TOKEN_GUARD_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealward::hsm {

// TokenGuard restores and copies one token.object. REQUIRES: every call under
// the partition's lock.
class TokenGuard {
 public:
  // Both paths relative to the partition directory.
  TokenGuard(absl::string_view token_directory, absl::string_view copy);

  // Puts the copy back if the file is missing, empty or shorter; the alarm that
  // says so, or nullopt if all was well. FAILED_PRECONDITION (exit code 69) if
  // the copy is needed and missing or empty itself.
  absl::StatusOr<std::optional<std::string>> RestoreIfDamaged() const;

  // Brings the copy up to date, so that a PIN change survives. REQUIRES: a
  // login with the present file succeeded. A file shorter than the copy is left
  // alone.
  absl::Status UpdateCopy() const;

 private:
  std::string file_;
  std::string copy_;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_TOKEN_GUARD_H_
