#include "server/hsm_client/isolation.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "absl/strings/str_cat.h"

namespace sealward::hsm_client {
namespace {

constexpr std::array kPartitionFiles = {"pin", "tokens", "token.object.copy", "hsm.toml"};
constexpr std::array kProcessFiles = {"mem", "environ", "maps"};

}  // namespace

std::vector<std::string> ReadableFiles(absl::string_view directory) {
  std::vector<std::string> readable;
  for (const char* name : kPartitionFiles) {
    std::string path = absl::StrCat(directory, "/", name);
    if (faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) == 0) {
      readable.push_back(std::move(path));
    }
  }
  return readable;
}

std::vector<std::string> ReadableProcessFiles(pid_t pid) {
  std::vector<std::string> readable;
  for (const char* name : kProcessFiles) {
    std::string path = absl::StrCat("/proc/", pid, "/", name);
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    close(fd);
    readable.push_back(std::move(path));
  }
  return readable;
}

}  // namespace sealward::hsm_client
