#include "common/failpoint.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <sstream>
#include <string>

namespace sealward::failpoint {
namespace {

struct Armed {
  std::string name;
  int count = 0;
  std::string file;
};

Armed FromEnvironment() {
  Armed armed;
  const char* text = std::getenv(kVariable);
  if (text != nullptr) std::istringstream(text) >> armed.name >> armed.count >> armed.file;
  return armed;
}

}  // namespace

void Hit(const char* name) {
  static const Armed armed = FromEnvironment();
  static std::atomic<int> hits = 0;
  if (armed.name != name || ++hits != armed.count) return;
  if (open(armed.file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) < 0) return;
  kill(getpid(), SIGKILL);  // sealward-hsm's seccomp filter ends it for asking: as well
  _exit(137);
}

}  // namespace sealward::failpoint
