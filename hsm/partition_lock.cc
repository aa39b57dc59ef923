#include "hsm/partition_lock.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/errors.h"

namespace sealward::hsm {
namespace {

// flock cannot wait for a file and a socket at once: try, and between two tries
// wait this long for the peer's end.
constexpr int kRetryMs = 2;

// Waits a moment; whether the peer is still there.
bool PeerAliveAfterPause(int peer_fd) {
  pollfd peer{peer_fd, POLLRDHUP, 0};
  const int ready = poll(&peer, peer_fd < 0 ? 0 : 1, kRetryMs);
  return ready <= 0 || (peer.revents & (POLLHUP | POLLRDHUP | POLLERR)) == 0;
}

}  // namespace

absl::StatusOr<PartitionLock> PartitionLock::Acquire(const std::string& path, int peer_fd,
                                                     absl::Duration timeout) {
  Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.ok()) return ErrnoStatus("open", path);
  const absl::Time give_up = absl::Now() + timeout;
  while (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return ErrnoStatus("lock", path);
    if (absl::Now() > give_up) {
      return MakeError(absl::StatusCode::kUnavailable, "PARTITION_LOCKED",
                       absl::StrCat("another process has held ", path, " of the partition for ",
                                    absl::FormatDuration(timeout)));
    }
    if (!PeerAliveAfterPause(peer_fd)) {
      return absl::CancelledError("the peer went away while the partition was locked");
    }
  }
  return PartitionLock(std::move(file));
}

}  // namespace sealward::hsm
