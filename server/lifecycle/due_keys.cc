#include "server/lifecycle/due_keys.h"

namespace sealward::lifecycle {

void DueKeys::Put(absl::string_view key, absl::Time when) {
  if (when == absl::InfiniteFuture()) return;
  const auto [entry, added] = times_.try_emplace(key, when);
  if (!added) {
    if (entry->second <= when) return;
    order_.erase({entry->second, entry->first});
    entry->second = when;
  }
  order_.emplace(when, entry->first);
}

std::vector<std::string> DueKeys::Take(absl::Time now, size_t limit) {
  std::vector<std::string> keys;
  while (!order_.empty() && order_.begin()->first <= now && keys.size() < limit) {
    keys.push_back(std::move(order_.extract(order_.begin()).value().second));
    times_.erase(keys.back());
  }
  return keys;
}

}  // namespace sealward::lifecycle
