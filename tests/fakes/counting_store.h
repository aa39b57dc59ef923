// A store that counts what it is asked, so that tests can compare two paths; and that
// fails, or is changed by others, at the worst moment.
#ifndef SEALWARD_TESTS_FAKES_COUNTING_STORE_H_
#define SEALWARD_TESTS_FAKES_COUNTING_STORE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "server/store/store.h"

namespace sealward::fakes {

// CountingStore hands everything on to `store`. Thread-safe.
class CountingStore final : public store::Store {
 public:
  // REQUIRES: `store` outlives it.
  explicit CountingStore(store::Store* store) : store_(store) {}

  // The next `count` commits fail, and change nothing.
  void FailCommits(int count) { failing_commits_ = count; }
  // Runs once, before the next commit: somebody else's comes in between. Not to be
  // called while others commit.
  void BeforeNextCommit(std::function<void()> action) { before_commit_ = std::move(action); }

  // Calls of any kind since it was made.
  int64_t calls() const { return calls_; }

  absl::StatusOr<std::optional<store::Entry>> Get(absl::string_view key) override {
    ++calls_;
    return store_->Get(key);
  }
  absl::StatusOr<store::Page> List(absl::string_view prefix, absl::string_view start_after,
                                   int limit) override {
    ++calls_;
    return store_->List(prefix, start_after, limit);
  }
  absl::StatusOr<int64_t> Commit(const store::Transaction& transaction) override {
    ++calls_;
    if (failing_commits_ > 0) {
      --failing_commits_;
      return absl::UnavailableError("the disk is full");
    }
    if (before_commit_) std::exchange(before_commit_, nullptr)();
    return store_->Commit(transaction);
  }
  absl::StatusOr<std::unique_ptr<store::Watch>> WatchPrefix(absl::string_view prefix,
                                                            int64_t revision) override {
    ++calls_;
    return store_->WatchPrefix(prefix, revision);
  }
  absl::StatusOr<int64_t> Revision() override {
    ++calls_;
    return store_->Revision();
  }
  absl::StatusOr<std::unique_ptr<store::Leadership>> Lead(absl::string_view name,
                                                          absl::string_view holder,
                                                          absl::Duration ttl) override {
    ++calls_;
    return store_->Lead(name, holder, ttl);
  }

 private:
  store::Store* const store_;
  std::atomic<int64_t> calls_ = 0;
  std::atomic<int> failing_commits_ = 0;
  std::function<void()> before_commit_;
};

}  // namespace sealward::fakes

#endif  // SEALWARD_TESTS_FAKES_COUNTING_STORE_H_
