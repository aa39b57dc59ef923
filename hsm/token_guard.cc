#include "hsm/token_guard.h"

#include "absl/strings/str_cat.h"
#include "hsm/config.h"
#include "hsm/exit_codes.h"
#include "hsm/files.h"

namespace sealward::hsm {
namespace {

// The content of a file, empty where there is none.
absl::StatusOr<std::string> ReadOrEmpty(const std::string& path) {
  auto content = ReadFile(path);
  if (absl::IsNotFound(content.status())) return std::string();
  return content;
}

// SoftHSM2 counts up in the first 8 bytes at every login. A copy with an older
// count is as good, and not writing it saves two flushes at every start.
constexpr size_t kGenerationBytes = 8;

bool SameButForGeneration(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && a.size() >= kGenerationBytes &&
         a.substr(kGenerationBytes) == b.substr(kGenerationBytes);
}

}  // namespace

TokenGuard::TokenGuard(absl::string_view token_directory, absl::string_view copy)
    : file_(absl::StrCat(token_directory, "/token.object")), copy_(copy) {}

absl::StatusOr<std::optional<std::string>> TokenGuard::RestoreIfDamaged() const {
  auto file = ReadOrEmpty(file_);
  if (!file.ok()) return file.status();
  auto copy = ReadOrEmpty(copy_);
  if (!copy.ok()) return copy.status();
  if (copy->empty()) {
    if (!file->empty()) {
      return std::make_optional<std::string>(
          absl::StrCat(copy_, " was missing; it is made afresh at the next login"));
    }
    return ExitError(kExitPartitionUnusable, "TOKEN_OBJECT_LOST",
                     absl::StrCat(file_, " is empty and so is its copy ", copy_,
                                  "; restore either from a backup"));
  }
  if (file->size() >= copy->size()) return std::optional<std::string>();
  if (absl::Status s = ReplaceFile(file_, kStagingFile, *copy); !s.ok()) {
    return WithExitCode(kExitPartitionUnusable, s);
  }
  return std::make_optional<std::string>(
      absl::StrCat(file_, " had ", file->size(), " of ", copy->size(),
                   " bytes (a process was killed while it logged in); restored from ", copy_));
}

absl::Status TokenGuard::UpdateCopy() const {
  auto file = ReadFile(file_);
  if (!file.ok()) return file.status();
  auto copy = ReadOrEmpty(copy_);
  if (!copy.ok()) return copy.status();
  if (SameButForGeneration(*file, *copy) || file->size() < copy->size()) return absl::OkStatus();
  return ReplaceFile(copy_, kStagingFile, *file);
}

}  // namespace sealward::hsm
