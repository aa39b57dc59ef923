// Files of a backup: copied, hashed, flushed.
#ifndef SEALWARD_SERVER_BACKUP_FILES_H_
#define SEALWARD_SERVER_BACKUP_FILES_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealward::backup {

// What a file holds.
struct FileSum {
  int64_t size = 0;
  std::string sha256;  // 64 hexadecimal digits
  bool operator==(const FileSum&) const = default;
};

// Errors of all: the errno of what failed, naming the path. None follows a symbolic
// link in the last part of a path; FAILED_PRECONDITION (FILE_KIND) for what is no
// regular file.
absl::StatusOr<FileSum> Sum(const std::string& path);
// Copies to a new file of mode 0600 and flushes it; the sum is of what was written.
absl::StatusOr<FileSum> Copy(const std::string& from, const std::string& to);
absl::Status WriteNew(const std::string& path, absl::string_view content);
absl::StatusOr<std::string> Read(const std::string& path);
// A new directory of mode 0700. ALREADY_EXISTS.
absl::Status MakeDirectory(const std::string& path);
absl::Status FlushDirectory(const std::string& path);

// Holds an flock on a file that exists, as sealward-hsm does while it logs in,
// generates and destroys. Waits. Released with the object.
class FileLock {
 public:
  static absl::StatusOr<FileLock> Take(const std::string& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace sealward::backup

#endif  // SEALWARD_SERVER_BACKUP_FILES_H_
