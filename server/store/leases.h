// Leadership inside one process.
#ifndef SEALWARD_SERVER_STORE_LEASES_H_
#define SEALWARD_SERVER_STORE_LEASES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "server/store/store.h"

namespace sealward::store {

// Leases in force at once; one more is refused.
inline constexpr size_t kMaxLeases = 64;

// Leases says who leads what. It is memory only: an embedded store belongs to
// one process, which its lock file enforces, so a lease that outlived the
// process would only keep its successor waiting.
//
// A holder renews by calling held(), at least every half ttl; nothing renews it
// behind its back, so a holder that hangs loses it. Thread-safe.
class Leases : public std::enable_shared_from_this<Leases> {
 public:
  // REQUIRES: `clock` outlives this and every Leadership of it.
  static std::shared_ptr<Leases> Create(const Clock* clock);

  // As Store::Lead. The Leadership may outlive its store.
  absl::StatusOr<std::unique_ptr<Leadership>> Lead(absl::string_view name, absl::string_view holder,
                                                   absl::Duration ttl);

 private:
  class Held;
  struct Lease {
    uint64_t id = 0;
    std::string holder;
    absl::Time expires;
  };
  explicit Leases(const Clock* clock) : clock_(clock) {}

  // Renews the lease if it is still this one and has not lapsed.
  bool Renew(const std::string& name, uint64_t id, absl::Duration ttl);
  void Release(const std::string& name, uint64_t id);

  const Clock* const clock_;
  absl::Mutex mu_;
  uint64_t last_id_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, Lease> leases_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::store

#endif  // SEALWARD_SERVER_STORE_LEASES_H_
