#include "hsm/pin.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/measures.h"
#include "hsm/exit_codes.h"
#include "hsm/files.h"

namespace sealward::hsm {
namespace {

constexpr size_t kPageBytes = 4096;
constexpr size_t kRandomBytes = kRandomPinBits / 8;

absl::Status Invalid(const std::string& path, absl::string_view message) {
  return ExitError(kExitBadConfiguration, "PIN_FILE_INVALID",
                   absl::StrCat("PIN file ", path, " ", message));
}

absl::Status CheckPinFile(const std::string& path, const struct stat& file) {
  if (!S_ISREG(file.st_mode)) return Invalid(path, "is not a regular file");
  if (file.st_uid != geteuid() && file.st_uid != 0) {
    return Invalid(
        path, absl::StrCat("belongs to uid ", file.st_uid, "; it must be uid ", geteuid(), "'s"));
  }
  if ((file.st_mode & 077) != 0) {
    return Invalid(path,
                   "can be read or changed by group or others; chmod 0400 it and, as its "
                   "PIN may be known, change the PIN");
  }
  return absl::OkStatus();
}

std::string Identity(const struct stat& file) {
  return absl::StrCat(file.st_dev, ":", file.st_ino, ":", file.st_mtim.tv_sec, ".",
                      file.st_mtim.tv_nsec, ":", file.st_ctim.tv_sec, ".", file.st_ctim.tv_nsec,
                      ":", file.st_size);
}

}  // namespace

absl::StatusOr<std::unique_ptr<SecretPage>> SecretPage::Create() {
  void* page =
      mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return ErrnoStatus("mmap", "a page for the PIN");
  std::unique_ptr<SecretPage> secret(new SecretPage(static_cast<char*>(page)));
  if (!SEALWARD_OMITTED(kPinLock) && mlock(page, kPageBytes) != 0) {
    return ErrnoStatus("lock", "the page for the PIN (RLIMIT_MEMLOCK?)");
  }
  if (!SEALWARD_OMITTED(kPinNoDump) && madvise(page, kPageBytes, MADV_DONTDUMP) != 0) {
    return ErrnoStatus("keep out of dumps", "the page for the PIN");
  }
  if (!SEALWARD_OMITTED(kPinWipeOnFork) && madvise(page, kPageBytes, MADV_WIPEONFORK) != 0) {
    return ErrnoStatus("keep from children", "the page for the PIN");
  }
  return secret;
}

SecretPage::~SecretPage() {
  Wipe();
  munmap(data_, kPageBytes);
}

void SecretPage::Wipe() {
  if (!SEALWARD_OMITTED(kPinWipe)) explicit_bzero(data_, kPageBytes);
  size_ = 0;
}

absl::Status SecretPage::ReadFrom(int fd) {
  Wipe();
  while (size_ <= kMaxPinBytes) {
    const ssize_t got = read(fd, data_ + size_, kMaxPinBytes + 1 - size_);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus("read", "the PIN");
    if (got == 0) break;
    size_ += static_cast<size_t>(got);
  }
  while (size_ > 0 && (data_[size_ - 1] == '\n' || data_[size_ - 1] == '\r')) --size_;
  return absl::OkStatus();
}

absl::Status SecretPage::FillWithRandomPin() {
  Wipe();
  // The random bytes lie in the page's second half until they are spelled out
  // in the first.
  auto* random = reinterpret_cast<unsigned char*>(data_) + kPageBytes / 2;
  if (getrandom(random, kRandomBytes, 0) != static_cast<ssize_t>(kRandomBytes)) {
    return ErrnoStatus("getrandom", "for the PIN");
  }
  for (size_t i = 0; i < kRandomBytes; ++i) {
    data_[size_++] = "0123456789abcdef"[random[i] >> 4];
    data_[size_++] = "0123456789abcdef"[random[i] & 15];
  }
  explicit_bzero(random, kRandomBytes);
  return absl::OkStatus();
}

absl::StatusOr<PinFile> ReadPinFile(const std::string& path) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  struct stat file{};
  if (!fd.ok() || fstat(fd.get(), &file) != 0) {
    return Invalid(path, absl::StrCat("cannot be opened: ", std::strerror(errno)));
  }
  if (absl::Status s = CheckPinFile(path, file); !s.ok()) return s;
  auto page = SecretPage::Create();
  if (!page.ok()) return page.status();
  if (absl::Status s = (*page)->ReadFrom(fd.get()); !s.ok()) return s;
  if ((*page)->size() < kMinPinBytes || (*page)->size() > kMaxPinBytes) {
    return Invalid(path, absl::StrCat("must hold ", kMinPinBytes, " to ", kMaxPinBytes, " bytes"));
  }
  return PinFile{*std::move(page), Identity(file)};
}

absl::Status WritePinFile(const std::string& path, const SecretPage& pin) {
  const Descriptor fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400));
  if (!fd.ok()) return ErrnoStatus("create", path);
  const absl::string_view bytes = pin.view();
  if (write(fd.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
      fsync(fd.get()) != 0) {
    return ErrnoStatus("write", path);
  }
  return absl::OkStatus();
}

}  // namespace sealward::hsm
