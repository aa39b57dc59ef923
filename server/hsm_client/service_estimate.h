// How long a process takes for what it is given, learned from what it took.
#ifndef SEALWARD_SERVER_HSM_CLIENT_SERVICE_ESTIMATE_H_
#define SEALWARD_SERVER_HSM_CLIENT_SERVICE_ESTIMATE_H_

#include <chrono>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"

namespace sealward::hsm_client {

// The estimate follows about this much of the latest cost (cost.h).
inline constexpr double kEstimateMemory = 512;

// ServiceEstimate is an exponentially weighted mean of the time for a unit of
// cost; a packet weighs as much as it costs, so that full ones, which tell how
// fast a process is under load, count for more than single operations. Not
// thread-safe.
class ServiceEstimate {
 public:
  // A process took `took` for operations that cost `cost`. REQUIRES: cost > 0.
  void Add(std::chrono::nanoseconds took, int64_t cost) {
    const auto weight = static_cast<double>(cost);
    const double sample_ns = static_cast<double>(took.count()) / weight;
    if (!ns_per_unit_) ns_per_unit_ = sample_ns;
    *ns_per_unit_ += (sample_ns - *ns_per_unit_) * weight / (weight + kEstimateMemory);
  }

  // What one process will take for `cost`; nullopt before the first Add.
  std::optional<absl::Duration> TimeFor(int64_t cost) const {
    if (!ns_per_unit_) return std::nullopt;
    return absl::Nanoseconds(*ns_per_unit_ * static_cast<double>(cost));
  }

 private:
  std::optional<double> ns_per_unit_;
};

}  // namespace sealward::hsm_client

#endif  // SEALWARD_SERVER_HSM_CLIENT_SERVICE_ESTIMATE_H_
