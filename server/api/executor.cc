#include "server/api/executor.h"

#include <algorithm>
#include <utility>

namespace sealward::api {

Executor::Executor(int threads, size_t max_queued) : max_queued_(max_queued) {
  threads_.reserve(static_cast<size_t>(threads));
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

Executor::~Executor() { Stop(); }

bool Executor::Submit(Task task, absl::string_view lane) {
  absl::MutexLock lock(&mu_);
  if (stopping_ || queue_.size() >= max_queued_) return false;
  const auto same = std::ranges::count(queue_, lane, &Queued::lane);
  if (!lane.empty() && static_cast<size_t>(same) >= kMaxQueuedPerLane) return false;
  queue_.push_back({std::move(task), std::string(lane)});
  return true;
}

void Executor::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

std::deque<Executor::Queued>::iterator Executor::NextTask() {
  return std::ranges::find_if(queue_, [this](const Queued& queued) {
    mu_.AssertReaderHeld();
    const auto running = running_.find(queued.lane);
    return queued.lane.empty() || running == running_.end() || running->second < kThreadsPerLane;
  });
}

bool Executor::HasWork() { return queue_.empty() ? stopping_ : NextTask() != queue_.end(); }

void Executor::Work() {
  for (;;) {
    Queued queued;
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(
          +[](Executor* self) ABSL_SHARED_LOCKS_REQUIRED(mu_) { return self->HasWork(); }, this));
      const auto next = NextTask();
      if (next == queue_.end()) return;
      queued = std::move(*next);
      queue_.erase(next);
      ++running_[queued.lane];
    }
    queued.task();
    absl::MutexLock lock(&mu_);
    if (--running_[queued.lane] == 0) running_.erase(queued.lane);
  }
}

}  // namespace sealward::api
