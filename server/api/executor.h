// Where RPCs that must wait (for the store's disk, for the HSM) do so.
#ifndef SEALWARD_SERVER_API_EXECUTOR_H_
#define SEALWARD_SERVER_API_EXECUTOR_H_

#include <cstddef>
#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace sealward::api {

// Administrative calls under way, and waiting; one more is refused. Reads and
// signing never come here.
inline constexpr int kExecutorThreads = 8;
inline constexpr size_t kMaxQueuedCalls = 256;

// Executor is a fixed set of threads behind one bounded queue. Thread-safe.
class Executor {
 public:
  using Task = absl::AnyInvocable<void()>;

  // Starts the threads.
  explicit Executor(int threads = kExecutorThreads, size_t max_queued = kMaxQueuedCalls);
  // Stops.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Queues `task`. False, leaving the task unrun, if the queue is full or
  // Stop was called.
  [[nodiscard]] bool Submit(Task task);

  // Refuses new tasks, runs those that wait, and joins. May be called again.
  void Stop();

 private:
  void Work();
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return stopping_ || !queue_.empty(); }

  const size_t max_queued_;
  absl::Mutex mu_;
  std::deque<Task> queue_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_EXECUTOR_H_
