// Where RPCs that must wait (for the store's disk, for the HSM) do so.
#ifndef SEALWARD_SERVER_API_EXECUTOR_H_
#define SEALWARD_SERVER_API_EXECUTOR_H_

#include <cstddef>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace sealward::api {

// Administrative calls under way, and waiting; one more is refused. Reads and
// signing never come here.
inline constexpr int kExecutorThreads = 8;
inline constexpr size_t kMaxQueuedCalls = 256;
// Of these, those of one lane.
inline constexpr int kThreadsPerLane = 3;
inline constexpr size_t kMaxQueuedPerLane = 64;

// Executor is a fixed set of threads behind one bounded queue. Tasks that wait
// for the same thing (an HSM partition) share a lane, which gets some of the
// threads only: where that thing hangs, the other tasks go on. Thread-safe.
class Executor {
 public:
  using Task = absl::AnyInvocable<void()>;

  // Starts the threads.
  explicit Executor(int threads = kExecutorThreads, size_t max_queued = kMaxQueuedCalls);
  // Stops.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Queues `task` in `lane`; the empty lane is bounded by the queue alone. False,
  // leaving the task unrun, if the queue or the lane is full or Stop was called.
  [[nodiscard]] bool Submit(Task task, absl::string_view lane = "");

  // Refuses new tasks, runs those that wait, and joins. May be called again.
  void Stop();

 private:
  struct Queued {
    Task task;
    std::string lane;
  };

  void Work();
  bool HasWork() ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // The first task whose lane has a thread for it; end() if there is none.
  std::deque<Queued>::iterator NextTask() ABSL_SHARED_LOCKS_REQUIRED(mu_);

  const size_t max_queued_;
  absl::Mutex mu_;
  std::deque<Queued> queue_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, int> running_ ABSL_GUARDED_BY(mu_);  // by lane
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_EXECUTOR_H_
