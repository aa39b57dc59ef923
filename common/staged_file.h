// Files that exist in memory only, for libraries that take nothing but a path.
#ifndef SEALWARD_COMMON_STAGED_FILE_H_
#define SEALWARD_COMMON_STAGED_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealward {

// StagedFile is a file in this process's memory (memfd_create(2)) with a path that
// this process alone can open. gRPC watches files and fails every handshake while
// one of them is bad; it watches these, which only ever hold what was checked.
// No copy of a private key lies on a disk, so none has to be cleaned up after a
// kill.
class StagedFile {
 public:
  // INTERNAL if the system gives no memory or descriptor.
  static absl::StatusOr<StagedFile> Create(absl::string_view content);
  StagedFile(StagedFile&& other) noexcept;
  StagedFile& operator=(StagedFile&&) = delete;
  ~StagedFile();

  // /proc/self/fd/…; the same for as long as this lives.
  std::string path() const;

  // The path shows `content` from now on; whoever has it open goes on with what
  // it was. After an error it is as before.
  absl::Status Replace(absl::string_view content);

 private:
  explicit StagedFile(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace sealward

#endif  // SEALWARD_COMMON_STAGED_FILE_H_
