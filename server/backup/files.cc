#include "server/backup/files.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"

namespace sealward::backup {
namespace {

constexpr size_t kBlockBytes = 1U << 16U;
constexpr size_t kDigestBytes = 32;

absl::Status Failed(absl::string_view what, const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot ", what, " ", path));
}

absl::StatusOr<int> OpenRegular(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return Failed("read", path);
  struct stat info{};
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) return fd;
  close(fd);
  return MakeError(absl::StatusCode::kFailedPrecondition, "FILE_KIND",
                   absl::StrCat(path, " is not a regular file"));
}

using Take = absl::FunctionRef<absl::Status(absl::string_view block)>;

// Hands every block of a file on.
absl::Status ForEachBlock(const std::string& path, Take take) {
  const auto fd = OpenRegular(path);
  if (!fd.ok()) return fd.status();
  const absl::Cleanup closes = [&fd] { close(*fd); };
  std::string block(kBlockBytes, '\0');
  for (;;) {
    const ssize_t got = read(*fd, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read", path);
    if (got == 0) return absl::OkStatus();
    absl::Status taken = take(absl::string_view(block.data(), static_cast<size_t>(got)));
    if (!taken.ok()) return taken;
  }
}

absl::Status WriteAll(int fd, absl::string_view block, const std::string& path) {
  while (!block.empty()) {
    const ssize_t written = write(fd, block.data(), block.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("write", path);
    block.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// A file that `fill` writes, flushed; none where that fails.
absl::Status MakeFile(const std::string& path, absl::FunctionRef<absl::Status(int fd)> fill) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return Failed("create", path);
  absl::Status status = fill(fd);
  if (status.ok() && fsync(fd) != 0) status = Failed("flush", path);
  close(fd);
  if (!status.ok()) unlink(path.c_str());
  return status;
}

class Hash {
 public:
  Hash() { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  void Add(absl::string_view block) {
    EVP_DigestUpdate(context_.get(), block.data(), block.size());
    size_ += static_cast<int64_t>(block.size());
  }
  FileSum Sum() {
    std::array<unsigned char, kDigestBytes> digest{};
    EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
    const std::string bytes(digest.begin(), digest.end());
    return {size_, absl::BytesToHexString(bytes)};
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_{EVP_MD_CTX_new(), EVP_MD_CTX_free};
  int64_t size_ = 0;
};

}  // namespace

absl::StatusOr<FileSum> Sum(const std::string& path) {
  Hash hash;
  absl::Status status = ForEachBlock(path, [&hash](absl::string_view block) {
    hash.Add(block);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return hash.Sum();
}

absl::StatusOr<FileSum> Copy(const std::string& from, const std::string& to) {
  Hash hash;
  absl::Status status = MakeFile(to, [&](int fd) {
    return ForEachBlock(from, [&](absl::string_view block) {
      hash.Add(block);
      return WriteAll(fd, block, to);
    });
  });
  if (!status.ok()) return status;
  return hash.Sum();
}

absl::Status WriteNew(const std::string& path, absl::string_view content) {
  return MakeFile(path, [&](int fd) { return WriteAll(fd, content, path); });
}

absl::StatusOr<std::string> Read(const std::string& path) {
  std::string content;
  absl::Status status = ForEachBlock(path, [&content](absl::string_view block) {
    absl::StrAppend(&content, block);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return content;
}

absl::Status MakeDirectory(const std::string& path) {
  return mkdir(path.c_str(), 0700) == 0 ? absl::OkStatus() : Failed("create", path);
}

absl::Status FlushDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Failed("open", path);
  const bool flushed = fsync(fd) == 0;
  close(fd);
  return flushed ? absl::OkStatus() : Failed("flush", path);
}

absl::StatusOr<FileLock> FileLock::Take(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return Failed("open", path);
  while (flock(fd, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    close(fd);
    return Failed("lock", path);
  }
  return FileLock(fd);
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock::~FileLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace sealward::backup
