#include "server/lifecycle/policy.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"

namespace sealward::lifecycle {
namespace {

constexpr absl::Duration kUnlimited = absl::InfiniteDuration();

// Range is what one duration of a policy may be.
struct Range {
  absl::string_view field;
  absl::Duration RotationPolicy::* value;
  absl::Duration least;
  absl::Duration longest;
  bool may_be_never;
};
const std::array kRanges = {
    Range{"rotation_policy.rotation_period", &RotationPolicy::rotation_period, absl::Seconds(1),
          kLongestRotationPeriod, true},
    Range{"rotation_policy.max_signing_time", &RotationPolicy::max_signing_time, absl::Seconds(1),
          2 * kLongestSigningTime, false},
    Range{"rotation_policy.max_standby_time", &RotationPolicy::max_standby_time, absl::Seconds(1),
          2 * kLongestSigningTime, false},
    Range{"rotation_policy.destroy_after", &RotationPolicy::destroy_after, absl::Seconds(1),
          kLongestDestroyAfter, true},
};

Range RecoveryWindowRange(const Margins& margins) {
  return {"rotation_policy.recovery_window", &RotationPolicy::recovery_window,
          margins.least_recovery_window, kLongestRecoveryWindow, false};
}

bool IsWithin(const Range& range, absl::Duration value) {
  if (value == kUnlimited) return range.may_be_never;
  return value >= range.least && value <= range.longest &&
         value == absl::Trunc(value, absl::Seconds(1));
}

std::string Text(absl::Duration duration) { return absl::FormatDuration(duration); }

void CheckRange(const Range& range, const RotationPolicy& policy,
                std::vector<PolicyProblem>& problems) {
  if (IsWithin(range, policy.*range.value)) return;
  problems.push_back({range.field, "DURATION_OUT_OF_RANGE",
                      absl::StrCat("must be whole seconds from ", Text(range.least), " to ",
                                   Text(range.longest))});
}

}  // namespace

RotationPolicy WithDefaults(RotationPolicy policy) {
  const auto set_default = [](absl::Duration& value, absl::Duration otherwise) {
    if (value == absl::ZeroDuration()) value = otherwise;
  };
  set_default(policy.rotation_period, kUnlimited);
  set_default(policy.max_signing_time, policy.rotation_period == kUnlimited
                                           ? kLongestSigningTime
                                           : 2 * policy.rotation_period);
  set_default(policy.max_standby_time, policy.max_signing_time);
  set_default(policy.destroy_after, kUnlimited);
  set_default(policy.recovery_window, kDefaultRecoveryWindow);
  return policy;
}

int JwksNeed(const RotationPolicy& policy, const CachePolicy& cache) {
  const absl::Duration slack = cache.margins.plan_slack;
  // The hard end forces a switch, too.
  const absl::Duration period =
      std::min(policy.rotation_period, policy.max_signing_time - cache.margins.switch_lead);
  // A successor that will be too old is replaced that long before a switch; where it can
  // be too old at any time, both are there at any time.
  const absl::Duration overlap = std::max(
      absl::ZeroDuration(), period + cache.propagation_time + slack - policy.max_standby_time);
  const bool at_any_time = policy.max_standby_time < period + slack;
  const absl::Duration busy = RetentionTime(cache) + (at_any_time ? absl::ZeroDuration() : overlap);
  const double periods = absl::FDivDuration(absl::Ceil(busy, period), period);
  return 2 + (at_any_time ? 1 : 0) + static_cast<int>(std::min(periods, 1e6));
}

std::vector<PolicyProblem> CheckPolicy(const RotationPolicy& policy, const CachePolicy& cache,
                                       int others_need, int max_jwks_keys) {
  std::vector<PolicyProblem> problems;
  for (const Range& range : kRanges) CheckRange(range, policy, problems);
  CheckRange(RecoveryWindowRange(cache.margins), policy, problems);
  if (!problems.empty()) return problems;
  const absl::Duration slack = cache.margins.plan_slack;
  const absl::Duration shortest = cache.propagation_time + slack;
  const bool rotates = policy.rotation_period != kUnlimited;
  if (rotates && policy.rotation_period < shortest) {
    problems.push_back({"rotation_policy.rotation_period", "PERIOD_BELOW_PROPAGATION",
                        absl::StrCat("a successor is ready ", Text(shortest),
                                     " after a switch, so the period must be at least that")});
  }
  const absl::Duration least_signing = rotates ? policy.rotation_period + shortest : shortest;
  if (policy.max_signing_time < least_signing) {
    problems.push_back({"rotation_policy.max_signing_time", "SIGNING_TIME_BELOW_PERIOD",
                        absl::StrCat("must be at least ", Text(least_signing),
                                     ": rotation_period and the time until a late successor is "
                                     "ready")});
  }
  if (const absl::Duration least = (rotates ? policy.rotation_period : shortest) + slack;
      policy.max_standby_time < least) {
    problems.push_back({"rotation_policy.max_standby_time", "STANDBY_TIME_BELOW_PERIOD",
                        absl::StrCat("must be at least ", Text(least),
                                     rotates ? ": a successor waits for a whole rotation_period"
                                             : ": its replacement needs that to be ready")});
  }
  if (const int need = JwksNeed(policy, cache); need + others_need > max_jwks_keys) {
    problems.push_back({"rotation_policy.rotation_period", "JWKS_TOO_LARGE",
                        absl::StrCat("up to ", need, " versions of this key and ", others_need,
                                     " other keys would be published at once; the issuer's "
                                     "validators take ",
                                     max_jwks_keys)});
  }
  return problems;
}

}  // namespace sealward::lifecycle
