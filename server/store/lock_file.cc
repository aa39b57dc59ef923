#include "server/store/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"

namespace sealward::store {
namespace {

constexpr size_t kMaxPidDigits = 20;

std::string ReadHolder(int fd) {
  std::array<char, kMaxPidDigits> text{};
  const ssize_t size = pread(fd, text.data(), text.size(), 0);
  if (size <= 0) return "another process";
  const absl::string_view pid =
      absl::StripAsciiWhitespace(absl::string_view(text.data(), static_cast<size_t>(size)));
  return absl::StrCat("process ", pid);
}

bool WriteHolder(int fd) {
  const std::string pid = absl::StrCat(getpid(), "\n");
  return ftruncate(fd, 0) == 0 &&
         pwrite(fd, pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size());
}

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EIO:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kFailedPrecondition;
  }
}

}  // namespace

absl::Status FileError(const std::string& path, int error) {
  return MakeError(CodeOf(error), "STORE_UNREADABLE",
                   absl::StrCat("cannot use ", path, ": ", std::strerror(error),
                                "; it must be a regular file that uid ", geteuid(),
                                " may read and write, in a directory where it may make files"));
}

absl::StatusOr<std::unique_ptr<LockFile>> LockFile::Take(const std::string& store_path) {
  const std::string path = absl::StrCat(store_path, ".lock");
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return FileError(path, errno);
  // flock, not fcntl: a second opener in the same process must fail too.
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    const std::string holder = ReadHolder(fd);
    close(fd);
    if (error != EWOULDBLOCK) return FileError(path, error);
    return MakeError(absl::StatusCode::kFailedPrecondition, "STORE_LOCKED",
                     absl::StrCat("store ", store_path, " is in use by ", holder,
                                  ": stop it first, or give this server a store of its own"));
  }
  if (!WriteHolder(fd)) {
    const int error = errno;
    close(fd);
    return FileError(path, error);
  }
  return std::unique_ptr<LockFile>(new LockFile(fd));
}

LockFile::~LockFile() { close(fd_); }

}  // namespace sealward::store
