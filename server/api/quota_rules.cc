#include "server/api/quota_rules.h"

#include "absl/strings/str_cat.h"
#include "common/errors.h"

namespace sealward::api {
namespace {

absl::Status Invalid(absl::string_view field, absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "QUOTA_INVALID", absl::StrCat(field, what));
}

}  // namespace

absl::StatusOr<catalog::Quota> ParseQuota(absl::string_view field, const v1::Quota& quota) {
  if (quota.signatures_per_second() < 1 ||
      quota.signatures_per_second() > kMaxSignaturesPerSecond) {
    return Invalid(field,
                   ".signatures_per_second must be 1 to 1000000; for no bound, leave the "
                   "quota unset");
  }
  if (quota.burst() < 0 || quota.burst() > kMaxBurst) {
    return Invalid(field, ".burst must be 1 to 10000000, or 0 for one second's worth");
  }
  const int64_t per_second = quota.signatures_per_second();
  return catalog::Quota{per_second, quota.burst() == 0 ? per_second : quota.burst()};
}

}  // namespace sealward::api
