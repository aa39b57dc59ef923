// One server a store.
#ifndef SEALWARD_SERVER_STORE_LOCK_FILE_H_
#define SEALWARD_SERVER_STORE_LOCK_FILE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace sealward::store {

// LockFile is an flock on <store path>.lock, held until it is destroyed or the
// process ends, however it ends. The file holds the holder's pid, for people;
// it stays behind, because removing it would race with the next holder.
class LockFile {
 public:
  // FAILED_PRECONDITION (STORE_LOCKED), naming the store and the holder's pid,
  // if another process (or another opener in this one) has it.
  static absl::StatusOr<std::unique_ptr<LockFile>> Take(const std::string& store_path);
  ~LockFile();
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

 private:
  explicit LockFile(int fd) : fd_(fd) {}
  const int fd_;
};

// The status of a failed system call on `path`, from errno.
absl::Status FileError(const std::string& path, int error);

}  // namespace sealward::store

#endif  // SEALWARD_SERVER_STORE_LOCK_FILE_H_
