// Wakes the watches that a commit concerns.
#ifndef SEALWARD_SERVER_STORE_WATCH_HUB_H_
#define SEALWARD_SERVER_STORE_WATCH_HUB_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace sealward::store {

// WatchHub is where commits and waiting watches meet. It carries no events:
// those are read from the store, which keeps order and misses none. Thread-safe.
class WatchHub {
 public:
  // Subscription is one watch's bell. One thread waits; any may Cancel.
  class Subscription {
   public:
    enum class Wake { kChanged, kTimedOut, kCancelled };

    // REQUIRES: `hub` outlives it.
    Subscription(WatchHub* hub, absl::string_view prefix);
    ~Subscription();
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

    // Forgets what rang until now. Call it before reading: what is committed
    // after the read rings again.
    void Clear();
    // Waits until a change below the prefix since Clear.
    Wake Wait(absl::Duration timeout);
    void Cancel();

   private:
    friend class WatchHub;
    WatchHub* const hub_;
    const std::string prefix_;
    bool changed_ ABSL_GUARDED_BY(hub_->mu_) = false;
    bool cancelled_ ABSL_GUARDED_BY(hub_->mu_) = false;
  };

  // Rings for every subscription that has one of `keys` below its prefix.
  void Notify(const std::vector<absl::string_view>& keys);

 private:
  absl::Mutex mu_;
  absl::flat_hash_set<Subscription*> subscriptions_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::store

#endif  // SEALWARD_SERVER_STORE_WATCH_HUB_H_
