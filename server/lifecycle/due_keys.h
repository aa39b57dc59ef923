// Keys and when to look at them, the most urgent first.
#ifndef SEALWARD_SERVER_LIFECYCLE_DUE_KEYS_H_
#define SEALWARD_SERVER_LIFECYCLE_DUE_KEYS_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sealward::lifecycle {

// DueKeys is a queue of key names in the order of their times, each once. What takes
// from it pays for what it takes, whatever else is in it. Not thread-safe.
class DueKeys {
 public:
  // Puts `key` in for `when`, or earlier if it is in already. InfiniteFuture is never.
  void Put(absl::string_view key, absl::Time when);

  // Takes out those whose time is not after `now`, at most `limit`.
  std::vector<std::string> Take(absl::Time now, size_t limit);

  // The first time; InfiniteFuture if it is empty.
  absl::Time Next() const {
    return order_.empty() ? absl::InfiniteFuture() : order_.begin()->first;
  }
  bool empty() const { return order_.empty(); }

 private:
  absl::flat_hash_map<std::string, absl::Time> times_;
  absl::btree_set<std::pair<absl::Time, std::string>> order_;
};

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_DUE_KEYS_H_
