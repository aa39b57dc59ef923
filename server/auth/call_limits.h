// How much of the server one principal may hold at once.
#ifndef SEALWARD_SERVER_AUTH_CALL_LIMITS_H_
#define SEALWARD_SERVER_AUTH_CALL_LIMITS_H_

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace sealward::auth {

// Calls under way of one principal.
inline constexpr size_t kMaxCallsPerPrincipal = 4096;
// Connections of one principal that have calls under way: the instances of an
// issuer share their SPIFFE ID.
inline constexpr size_t kMaxConnectionsPerPrincipal = 256;

// CallLimits counts the calls under way, so that nobody's many calls or
// connections keep the others out. Idle connections are not counted: they are
// bounded by their time-out and by the server's memory. Thread-safe; costs a lock
// of a sixteenth of the principals and two look-ups.
class CallLimits {
 public:
  struct Limits {
    size_t calls = kMaxCallsPerPrincipal;
    size_t connections = kMaxConnectionsPerPrincipal;
  };
  CallLimits() = default;
  explicit CallLimits(const Limits& limits) : limits_(limits) {}

  // Slot is one call under way, until its last copy is destroyed.
  using Slot = std::shared_ptr<const void>;

  // A call of `principal` on the connection that `peer` names. RESOURCE_EXHAUSTED
  // (TOO_MANY_CALLS, TOO_MANY_CONNECTIONS) with RetryInfo. REQUIRES: this outlives
  // the slot.
  absl::StatusOr<Slot> Enter(absl::string_view principal, absl::string_view peer);

 private:
  struct Use {
    size_t calls = 0;
    absl::flat_hash_map<std::string, size_t> connections;  // calls on each
  };
  struct Shard {
    absl::Mutex mu;
    absl::flat_hash_map<std::string, Use> principals ABSL_GUARDED_BY(mu);
  };

  Shard& ShardOf(absl::string_view principal);
  void Leave(const std::string& principal, const std::string& peer);

  const Limits limits_;
  std::array<Shard, 16> shards_;
};

}  // namespace sealward::auth

#endif  // SEALWARD_SERVER_AUTH_CALL_LIMITS_H_
