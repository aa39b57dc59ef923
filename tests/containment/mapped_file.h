// A dump as bytes in memory, however large.
#ifndef SEALWARD_TESTS_CONTAINMENT_MAPPED_FILE_H_
#define SEALWARD_TESTS_CONTAINMENT_MAPPED_FILE_H_

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sealward::containment {

// MappedFile maps a file while it lives. Throws where it cannot be read: a tool that
// looked at nothing must not say that it found nothing.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat info{};
    if (fd < 0 || fstat(fd, &info) != 0) throw Error(path);
    size_ = static_cast<size_t>(info.st_size);
    if (size_ > 0) data_ = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (data_ == MAP_FAILED) throw Error(path);
  }
  ~MappedFile() {
    if (data_ != nullptr) munmap(data_, size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {static_cast<const char*>(data_), size_}; }

 private:
  static std::runtime_error Error(const std::string& path) {
    return std::runtime_error(path + ": " + std::strerror(errno));
  }

  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace sealward::containment

#endif  // SEALWARD_TESTS_CONTAINMENT_MAPPED_FILE_H_
