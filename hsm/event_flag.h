// A flag that poll(2) can wait for.
#ifndef SEALWARD_HSM_EVENT_FLAG_H_
#define SEALWARD_HSM_EVENT_FLAG_H_

#include <memory>

#include "absl/status/statusor.h"

namespace sealward::hsm {

// EventFlag is set by any thread and cleared by the one that waits for its descriptor
// (eventfd(2)). Thread-safe.
class EventFlag {
 public:
  // RESOURCE_EXHAUSTED if the process can have no further descriptor.
  static absl::StatusOr<std::unique_ptr<EventFlag>> Create();
  ~EventFlag();
  EventFlag(const EventFlag&) = delete;
  EventFlag& operator=(const EventFlag&) = delete;

  // Readable while the flag is set.
  int fd() const { return fd_; }
  void Set() const;
  void Clear() const;

 private:
  explicit EventFlag(int fd) : fd_(fd) {}

  const int fd_;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_EVENT_FLAG_H_
