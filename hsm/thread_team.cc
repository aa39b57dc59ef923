#include "hsm/thread_team.h"

#include <algorithm>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "hsm/log.h"

namespace sealward::hsm {

ThreadTeam::ThreadTeam(size_t size) {
  threads_.reserve(size - 1);
  try {
    for (size_t member = 1; member < size; ++member) {
      threads_.emplace_back([this, member] { Serve(member); });
    }
  } catch (const std::system_error& error) {
    LogWarning(absl::StrCat("going on with ", this->size(), " of ", size,
                            " threads: no other could be started (", error.what(), ")"));
  }
}

ThreadTeam::~ThreadTeam() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  begin_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadTeam::Run(size_t items, absl::FunctionRef<void(size_t item, size_t member)> work) {
  std::unique_lock lock(mutex_);
  work_ = &work;
  items_ = unfinished_ = items;
  next_ = 0;
  // The caller takes one itself.
  for (size_t wanted = std::min(items, threads_.size() + 1); wanted > 1; --wanted) {
    begin_.notify_one();
  }
  DoItems(lock, /*member=*/0);
  done_.wait(lock, [this] { return unfinished_ == 0; });
}

void ThreadTeam::DoItems(std::unique_lock<std::mutex>& lock, size_t member) {
  while (next_ < items_) {
    const size_t item = next_++;
    const Work& work = *work_;
    lock.unlock();
    work(item, member);
    lock.lock();
    if (--unfinished_ == 0) done_.notify_one();
  }
}

void ThreadTeam::Serve(size_t member) {
  std::unique_lock lock(mutex_);
  for (;;) {
    begin_.wait(lock, [this] { return ending_ || next_ < items_; });
    if (ending_) return;
    DoItems(lock, member);
  }
}

}  // namespace sealward::hsm
