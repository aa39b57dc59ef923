#include "hsm/event_flag.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace sealward::hsm {

absl::StatusOr<std::unique_ptr<EventFlag>> EventFlag::Create() {
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return absl::ResourceExhaustedError(absl::StrCat("eventfd: ", std::strerror(errno)));
  return std::unique_ptr<EventFlag>(new EventFlag(fd));
}

EventFlag::~EventFlag() { close(fd_); }

// Neither can fail but by a count of 2^64 - 1, or where the flag is clear already.
void EventFlag::Set() const { (void)!eventfd_write(fd_, 1); }

void EventFlag::Clear() const {
  eventfd_t count = 0;
  (void)!eventfd_read(fd_, &count);
}

}  // namespace sealward::hsm
