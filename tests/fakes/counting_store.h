// A store that counts what it is asked, so that tests can compare two paths.
#ifndef SEALWARD_TESTS_FAKES_COUNTING_STORE_H_
#define SEALWARD_TESTS_FAKES_COUNTING_STORE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "server/store/store.h"

namespace sealward::fakes {

// CountingStore hands everything on to `store`. Thread-safe.
class CountingStore final : public store::Store {
 public:
  // REQUIRES: `store` outlives it.
  explicit CountingStore(store::Store* store) : store_(store) {}

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
};

}  // namespace sealward::fakes

#endif  // SEALWARD_TESTS_FAKES_COUNTING_STORE_H_
