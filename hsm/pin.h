// The PIN: one page of memory, and the file that it comes from.
#ifndef SEALWARD_HSM_PIN_H_
#define SEALWARD_HSM_PIN_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealward::hsm {

inline constexpr size_t kMinPinBytes = 4;
inline constexpr size_t kMaxPinBytes = 255;  // SoftHSM2's limit
inline constexpr size_t kRandomPinBits = 256;

// SecretPage is one page that is locked into memory, left out of dumps, empty in a
// child process, and wiped when it ends. Not copyable, so that there is one copy.
class SecretPage {
 public:
  // RESOURCE_EXHAUSTED if the page cannot be locked.
  static absl::StatusOr<std::unique_ptr<SecretPage>> Create();
  ~SecretPage();
  SecretPage(const SecretPage&) = delete;
  SecretPage& operator=(const SecretPage&) = delete;

  // The first size() bytes.
  absl::string_view view() const { return absl::string_view(data_, size_); }
  size_t size() const { return size_; }

  // Reads at most kMaxPinBytes with read(2) straight into the page, without
  // trailing line ends.
  absl::Status ReadFrom(int fd);
  // Fills the page with kRandomPinBits from getrandom(2), as lower-case hex.
  absl::Status FillWithRandomPin();
  void Wipe();

 private:
  explicit SecretPage(char* data) : data_(data) {}

  char* data_;
  size_t size_ = 0;
};

// PinFile is a PIN with the identity of the file that it was read from.
struct PinFile {
  std::unique_ptr<SecretPage> pin;
  // "dev:inode:mtime:ctime:size" of the file: a new PIN has a new identity,
  // without a digest of the PIN being kept anywhere.
  std::string identity;
};

// Reads the PIN file. FAILED_PRECONDITION with exit code 78 (PIN_FILE_INVALID)
// unless it is a regular file of this user or root, that neither group nor
// others may read, with kMinPinBytes to kMaxPinBytes.
absl::StatusOr<PinFile> ReadPinFile(const std::string& path);

// Writes `pin` to a new file at `path` with mode 0400, synced. ALREADY_EXISTS
// if there is one.
absl::Status WritePinFile(const std::string& path, const SecretPage& pin);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_PIN_H_
