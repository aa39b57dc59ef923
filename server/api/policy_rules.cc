#include "server/api/policy_rules.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/lifecycle/policy.h"

namespace sealward::api {
namespace {

using lifecycle::PolicyProblem;
using lifecycle::RotationPolicy;
using Message = v1::RotationPolicy;

// No duration may be longer than this, so that sums of a few stay in range.
constexpr int64_t kAbsurdSeconds = int64_t{100} * 366 * 24 * 3600;

// DurationField is one duration of a policy, there and here.
struct DurationField {
  absl::string_view name;
  bool (Message::*has)() const;
  const google::protobuf::Duration& (Message::*get)() const;
  absl::Duration RotationPolicy::* value;
};
const std::array kFields = {
    DurationField{"rotation_policy.rotation_period", &Message::has_rotation_period,
                  &Message::rotation_period, &RotationPolicy::rotation_period},
    DurationField{"rotation_policy.max_signing_time", &Message::has_max_signing_time,
                  &Message::max_signing_time, &RotationPolicy::max_signing_time},
    DurationField{"rotation_policy.max_standby_time", &Message::has_max_standby_time,
                  &Message::max_standby_time, &RotationPolicy::max_standby_time},
    DurationField{"rotation_policy.destroy_after", &Message::has_destroy_after,
                  &Message::destroy_after, &RotationPolicy::destroy_after},
    DurationField{"rotation_policy.recovery_window", &Message::has_recovery_window,
                  &Message::recovery_window, &RotationPolicy::recovery_window},
};

absl::Status Infeasible(const std::vector<PolicyProblem>& problems) {
  std::string message = "the rotation policy cannot be kept";
  std::vector<FieldViolation> violations;
  for (const PolicyProblem& each : problems) {
    absl::StrAppend(&message, "; ", each.field, " (", each.rule, "): ", each.description);
    violations.push_back(
        {absl::StrCat("key.", each.field), absl::StrCat(each.rule, ": ", each.description)});
  }
  return MakeFieldError(absl::StatusCode::kInvalidArgument, "POLICY_INFEASIBLE", message,
                        violations);
}

// What the times of a policy are measured by; what was promised earlier does not count.
lifecycle::CachePolicy CacheOf(const catalog::Issuer& issuer, absl::Duration max_jwt_lifetime) {
  lifecycle::CachePolicy cache{issuer.propagation_time, max_jwt_lifetime};
  cache.margins = issuer.margins;
  return cache;
}

bool IsWholeAndSane(const google::protobuf::Duration& duration) {
  return duration.nanos() == 0 && duration.seconds() > 0 && duration.seconds() <= kAbsurdSeconds;
}

// A key from before there were policies: rotated by hand, without an end.
bool HasPolicy(const RotationPolicy& policy) {
  return policy.max_signing_time != absl::InfiniteDuration();
}

}  // namespace

absl::StatusOr<RotationPolicy> ParseRotationPolicy(const v1::Key& key) {
  RotationPolicy policy;
  for (const DurationField& field : kFields) policy.*field.value = absl::ZeroDuration();
  if (!key.has_rotation_policy()) {
    policy.rotation_period = lifecycle::kDefaultRotationPeriod;
    return lifecycle::WithDefaults(policy);
  }
  std::vector<PolicyProblem> problems;
  for (const DurationField& field : kFields) {
    const Message& message = key.rotation_policy();
    if (!(message.*field.has)()) continue;
    const google::protobuf::Duration& duration = (message.*field.get)();
    if (!IsWholeAndSane(duration)) {
      problems.push_back({field.name, "DURATION_OUT_OF_RANGE",
                          "must be whole seconds, at least 1, and no absurd number of them; leave "
                          "it unset for the default"});
    }
    policy.*field.value = absl::Seconds(duration.seconds());
  }
  if (!problems.empty()) return Infeasible(problems);
  return lifecycle::WithDefaults(policy);
}

int JwksNeedOf(const catalog::Snapshot& snapshot, const catalog::Issuer& issuer,
               absl::string_view but, absl::Time now) {
  int need = 0;
  if (const auto keys = snapshot.keys_of_issuer.find(issuer.name);
      keys != snapshot.keys_of_issuer.end()) {
    for (const auto& key : keys->second) {
      if (key->name == but) continue;
      need += lifecycle::JwksNeed(key->rotation_policy, CacheOf(issuer, key->max_jwt_lifetime));
    }
  }
  const auto foreign = snapshot.foreign_keys.find(issuer.name);
  if (foreign == snapshot.foreign_keys.end()) return need;
  return need + static_cast<int>(std::ranges::count_if(*foreign->second, [now](const auto& each) {
           return each.second->expire_time > now;
         }));
}

absl::Status CheckRotationPolicy(const catalog::Snapshot& snapshot, const PolicyFrame& frame,
                                 const RotationPolicy& policy, absl::Time now) {
  const lifecycle::CachePolicy cache = CacheOf(frame.issuer, frame.max_jwt_lifetime);
  const int others = JwksNeedOf(snapshot, frame.issuer, frame.key, now);
  const int most = catalog::MaxJwksKeys(frame.issuer);
  std::vector<PolicyProblem> problems = lifecycle::CheckPolicy(policy, cache, others, most);
  if (!HasPolicy(policy)) {
    std::erase_if(problems,
                  [](const PolicyProblem& each) { return each.rule != "JWKS_TOO_LARGE"; });
  }
  return problems.empty() ? absl::OkStatus() : Infeasible(problems);
}

}  // namespace sealward::api
