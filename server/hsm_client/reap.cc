#include "server/hsm_client/reap.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace sealward::hsm_client {
namespace {

// Whether `pid` has ended within `limit`.
bool WaitForEnd(pid_t pid, std::chrono::milliseconds limit) {
  // The C library's wrapper has no C linkage in glibc 2.36.
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return true;  // gone, or a kernel without pidfds: waitpid decides
  pollfd entry{fd, POLLIN, 0};
  int ready = 0;
  do {
    ready = poll(&entry, 1, static_cast<int>(limit.count()));
  } while (ready < 0 && errno == EINTR);
  close(fd);
  return ready > 0;
}

}  // namespace

std::optional<int> Reap(pid_t pid, bool may_kill) {
  if (!WaitForEnd(pid, may_kill ? kEndGrace : kLoginGrace)) {
    if (!may_kill) return std::nullopt;
    kill(pid, SIGKILL);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return std::nullopt;
  }
  return status;
}

}  // namespace sealward::hsm_client
