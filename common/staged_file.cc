#include "common/staged_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sealward {
namespace {

absl::Status SystemError(absl::string_view what) {
  return absl::InternalError(absl::StrCat("certificates in memory: ", what, ": ",
                                          std::strerror(errno)));  // NOLINT(concurrency-mt-unsafe)
}

// A sealed file with `content`.
absl::StatusOr<int> MakeFile(absl::string_view content) {
  const int descriptor = memfd_create("sealward-tls", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (descriptor < 0) return SystemError("memfd_create");
  while (!content.empty()) {
    const ssize_t written = write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      absl::Status status = SystemError("write");
      close(descriptor);
      return status;
    }
    content.remove_prefix(static_cast<size_t>(written));
  }
  fcntl(descriptor, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return descriptor;
}

}  // namespace

absl::StatusOr<StagedFile> StagedFile::Create(absl::string_view content) {
  const auto descriptor = MakeFile(content);
  if (!descriptor.ok()) return descriptor.status();
  return StagedFile(*descriptor);
}

StagedFile::StagedFile(StagedFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

StagedFile::~StagedFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::string StagedFile::path() const { return absl::StrCat("/proc/self/fd/", descriptor_); }

absl::Status StagedFile::Replace(absl::string_view content) {
  const auto next = MakeFile(content);
  if (!next.ok()) return next.status();
  const bool done = dup3(*next, descriptor_, O_CLOEXEC) >= 0;
  absl::Status status = done ? absl::OkStatus() : SystemError("dup3");
  close(*next);
  return status;
}

}  // namespace sealward
