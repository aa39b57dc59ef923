// A directory of a test's own.
#ifndef SEALWARD_TESTS_FAKES_TEMP_DIR_H_
#define SEALWARD_TESTS_FAKES_TEMP_DIR_H_

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace sealward::fakes {

// TempDir exists as long as the object.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sealward-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace sealward::fakes

#endif  // SEALWARD_TESTS_FAKES_TEMP_DIR_H_
