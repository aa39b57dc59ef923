// Small files of the partition directory: read whole, replaced whole. Nothing
// secret goes through here; the PIN has hsm/pin.h.
#ifndef SEALWARD_HSM_FILES_H_
#define SEALWARD_HSM_FILES_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealward::hsm {

// Largest file that is read.
inline constexpr size_t kMaxFileBytes = 1024 * 1024;

// Descriptor owns a file descriptor. Move-only for that reason.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  int Release();

 private:
  int fd_;
};

// "open lock: Permission denied", from errno.
absl::Status ErrnoStatus(absl::string_view what, absl::string_view path);

// NOT_FOUND if there is no such file.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Replaces `path` by a file with `content` and mode 0600: written beside it as
// `staging`, synced, renamed, and the directory of `path` synced. After a crash
// the file is the old one or the new one. REQUIRES: both on one file system.
absl::Status ReplaceFile(const std::string& path, const std::string& staging,
                         absl::string_view content);

// Removes `path`, if it exists, and syncs its directory.
absl::Status RemoveFile(const std::string& path);

// Flushes the file system that holds `directory` (syncfs): SoftHSM2 itself
// never syncs what it writes.
absl::Status SyncFileSystem(const std::string& directory);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_FILES_H_
