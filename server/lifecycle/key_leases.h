// Who works on which key.
#ifndef SEALWARD_SERVER_LIFECYCLE_KEY_LEASES_H_
#define SEALWARD_SERVER_LIFECYCLE_KEY_LEASES_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace sealward::lifecycle {

// KeyLeases lets one caller at a time work on a key, so that an RPC and the
// driver do not generate the same version twice. It only saves work: what keeps
// two servers apart are the store's conditions. Thread-safe.
class KeyLeases {
 public:
  // Lease is held until it is released or destroyed. Move-only.
  class Lease {
   public:
    Lease(Lease&& other) noexcept
        : leases_(std::exchange(other.leases_, nullptr)), key_(std::move(other.key_)) {}
    Lease& operator=(Lease&&) = delete;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { Release(); }

    // Lets the next one in. Once is enough; again does nothing.
    void Release() {
      if (leases_ != nullptr) std::exchange(leases_, nullptr)->Release(key_);
    }

   private:
    friend class KeyLeases;
    Lease(KeyLeases* leases, absl::string_view key) : leases_(leases), key_(key) {}
    KeyLeases* leases_;
    std::string key_;
  };

  // Waits for `key`, at most `timeout`; nullopt if others kept it.
  std::optional<Lease> Acquire(absl::string_view key, absl::Duration timeout) {
    absl::MutexLock lock(&mu_);
    const auto is_free = [this, key] {
      mu_.AssertReaderHeld();
      return !held_.contains(key);
    };
    if (!mu_.AwaitWithTimeout(absl::Condition(&is_free), timeout)) return std::nullopt;
    held_.insert(std::string(key));
    return Lease(this, key);
  }

 private:
  void Release(absl::string_view key) {
    absl::MutexLock lock(&mu_);
    held_.erase(key);
  }

  absl::Mutex mu_;
  absl::flat_hash_set<std::string> held_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_KEY_LEASES_H_
