// What a quota may be, and how it is shown.
#ifndef SEALWARD_SERVER_API_QUOTA_RULES_H_
#define SEALWARD_SERVER_API_QUOTA_RULES_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sealward/v1/quota.pb.h"
#include "server/catalog/snapshot.h"

namespace sealward::api {

inline constexpr int64_t kMaxSignaturesPerSecond = 1'000'000;
inline constexpr int64_t kMaxBurst = 10'000'000;

// `quota`, with a burst of 0 as one second's worth. INVALID_ARGUMENT
// (QUOTA_INVALID), naming the field: `field` (for example "tenant.quota") and
// what is below it.
absl::StatusOr<catalog::Quota> ParseQuota(absl::string_view field, const v1::Quota& quota);

// The quota of a tenant or key that a request brings; none where it is not set.
template <typename Resource>
absl::StatusOr<catalog::Quota> ParseQuotaOf(absl::string_view field, const Resource& resource) {
  if (!resource.has_quota()) return catalog::Quota();
  return ParseQuota(field, resource.quota());
}

// Sets the message's quota where there is a bound.
template <typename Resource>
void FillQuota(const catalog::Quota& quota, Resource& out) {
  if (quota.per_second == 0) return;
  out.mutable_quota()->set_signatures_per_second(quota.per_second);
  out.mutable_quota()->set_burst(quota.burst);
}

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_QUOTA_RULES_H_
