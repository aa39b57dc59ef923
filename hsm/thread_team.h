// Threads that do one thing together.
#ifndef SEALWARD_HSM_THREAD_TEAM_H_
#define SEALWARD_HSM_THREAD_TEAM_H_

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"

namespace sealward::hsm {

// ThreadTeam is the caller of Run, who is member 0, and size - 1 threads that wait for
// something to do, or fewer where the system starts no more. One caller; its memory is seen by the
// members, and theirs by it, as if Run were one thread.
class ThreadTeam {
 public:
  // Starts the threads, which have the signal mask of the caller. REQUIRES: size >= 1.
  explicit ThreadTeam(size_t size);
  // Ends and joins them.
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  // Members: the caller of Run and the threads.
  size_t size() const { return threads_.size() + 1; }

  // Calls work(item, member) once for each item below `items`, on any member, at most one
  // item at a time on each. Returns when all are done.
  void Run(size_t items, absl::FunctionRef<void(size_t item, size_t member)> work);

 private:
  using Work = absl::FunctionRef<void(size_t, size_t)>;

  // Does items until none is left to begin. REQUIRES: `lock` holds mutex_; so it does on
  // return.
  void DoItems(std::unique_lock<std::mutex>& lock, size_t member);
  void Serve(size_t member);

  std::mutex mutex_;
  std::condition_variable begin_;
  std::condition_variable done_;
  // Guarded by mutex_. `work_` is good while unfinished_ > 0.
  const Work* work_ = nullptr;
  size_t items_ = 0;
  size_t next_ = 0;        // the first that nobody has begun
  size_t unfinished_ = 0;  // begun or not
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_THREAD_TEAM_H_
