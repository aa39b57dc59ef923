#include "server/api/key_rules.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/resource_name.h"
#include "server/api/issuer_rules.h"
#include "server/api/policy_rules.h"
#include "server/api/quota_rules.h"

namespace sealward::api {
namespace {

absl::Status BadScope(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "SCOPE_INVALID",
                   absl::StrCat("key.scope.", what));
}

bool HasDuplicate(const google::protobuf::RepeatedPtrField<std::string>& values) {
  return std::set<std::string>(values.begin(), values.end()).size() !=
         static_cast<size_t>(values.size());
}

// Another tenant's issuer and one that cannot be are refused alike.
absl::Status CheckIssuer(absl::string_view tenant, const v1::KeyScope& scope) {
  const auto name = IssuerName::Parse(scope.issuer());
  if (name.ok() && name->Parent() == tenant) return absl::OkStatus();
  return BadScope(absl::StrCat("issuer must be an issuer of ", tenant));
}

absl::Status CheckAudiences(const v1::KeyScope& scope) {
  if (scope.audiences().empty() || scope.audiences_size() > kMaxAudiencesOfKey) {
    return BadScope("audiences must have 1 to 64 values");
  }
  for (const std::string& audience : scope.audiences()) {
    if (audience.empty() || audience.size() > kMaxAudienceBytes) {
      return BadScope("audiences must be of 1 to 512 bytes each");
    }
  }
  if (HasDuplicate(scope.audiences())) return BadScope("audiences names one value twice");
  return absl::OkStatus();
}

bool IsTyp(absl::string_view typ) {
  return !typ.empty() && typ.size() <= kMaxTypBytes &&
         std::all_of(typ.begin(), typ.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '+' ||
                  c == '-';
         });
}

absl::Status CheckTyps(const v1::KeyScope& scope) {
  if (scope.typs_size() > kMaxTyps) return BadScope("typs must have at most 8 values");
  if (!std::all_of(scope.typs().begin(), scope.typs().end(), IsTyp)) {
    return BadScope("typs must be of 1 to 64 characters of A-Z, a-z, 0-9, dot, plus and hyphen");
  }
  if (HasDuplicate(scope.typs())) return BadScope("typs names one value twice");
  return absl::OkStatus();
}

absl::StatusOr<catalog::ClaimRules> ParseClaimRules(const v1::ClaimRules& message) {
  if (message.subject_prefixes_size() > kMaxSubjectPrefixes) {
    return BadScope("claim_rules.subject_prefixes must have at most 16 values");
  }
  for (const std::string& prefix : message.subject_prefixes()) {
    if (prefix.empty() || prefix.size() > kMaxSubjectPrefixBytes) {
      return BadScope("claim_rules.subject_prefixes must be of 1 to 256 bytes each");
    }
  }
  if (HasDuplicate(message.subject_prefixes())) {
    return BadScope("claim_rules.subject_prefixes names one value twice");
  }
  catalog::ClaimRules rules;
  rules.subject_required = message.subject_required();
  rules.subject_prefixes.assign(message.subject_prefixes().begin(),
                                message.subject_prefixes().end());
  rules.jwt_id_required = message.jwt_id_required();
  return rules;
}

// What a JWT of the key may say.
absl::Status TakeScope(absl::string_view tenant, const v1::KeyScope& scope,
                       lifecycle::NewKey& key) {
  if (absl::Status s = CheckIssuer(tenant, scope); !s.ok()) return s;
  if (absl::Status s = CheckAudiences(scope); !s.ok()) return s;
  if (absl::Status s = CheckTyps(scope); !s.ok()) return s;
  auto claim_rules = ParseClaimRules(scope.claim_rules());
  if (!claim_rules.ok()) return claim_rules.status();
  key.claim_rules = *std::move(claim_rules);
  key.issuer = scope.issuer();
  key.audiences.assign(scope.audiences().begin(), scope.audiences().end());
  key.typs.assign(scope.typs().begin(), scope.typs().end());
  if (key.typs.empty()) key.typs.emplace_back(kDefaultTyp);
  key.max_jwt_lifetime = kDefaultJwtLifetime;
  if (!scope.has_max_jwt_lifetime()) return absl::OkStatus();
  const auto lifetime =
      ParseSeconds(scope.max_jwt_lifetime(), absl::Seconds(1), kLongestJwtLifetime);
  if (!lifetime) return BadScope("max_jwt_lifetime must be whole seconds, from 1 s to 30 days");
  key.max_jwt_lifetime = *lifetime;
  return absl::OkStatus();
}

absl::Status BadRawScope(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "SCOPE_INVALID",
                   absl::StrCat("key.raw_scope.", what));
}

// What the verifiers of a RAW key are promised.
absl::Status TakeRawScope(const v1::RawScope& scope, lifecycle::NewKey& key) {
  const auto retire_after =
      ParseSeconds(scope.retire_after(), absl::Seconds(1), kLongestRetireAfter);
  if (!retire_after) {
    return BadRawScope(
        "retire_after must be whole seconds, from 1 s to 10 years: how long after "
        "a version's last signature its signatures are still verified");
  }
  key.max_jwt_lifetime = *retire_after;
  key.raw_propagation_time = absl::ZeroDuration();
  if (!scope.has_propagation_time()) return absl::OkStatus();
  const auto propagation =
      ParseSeconds(scope.propagation_time(), absl::ZeroDuration(), kLongestRawPropagation);
  if (!propagation) return BadRawScope("propagation_time must be whole seconds, at most 7 days");
  key.raw_propagation_time = *propagation;
  return absl::OkStatus();
}

// Each purpose has a scope of its own, and no other.
absl::Status TakePurpose(absl::string_view tenant, const v1::Key& message, lifecycle::NewKey& key) {
  key.purpose = message.purpose();
  switch (message.purpose()) {
    case v1::KEY_PURPOSE_JWT:
      if (message.has_raw_scope())
        return BadRawScope("retire_after and all of it are for purpose RAW; leave it unset");
      return TakeScope(tenant, message.scope(), key);
    case v1::KEY_PURPOSE_RAW:
      if (message.has_scope())
        return BadScope("issuer and all of it are for purpose JWT; set raw_scope instead");
      return TakeRawScope(message.raw_scope(), key);
    default:
      return MakeError(absl::StatusCode::kInvalidArgument, "PURPOSE_INVALID",
                       "key.purpose must be KEY_PURPOSE_JWT or KEY_PURPOSE_RAW");
  }
}

}  // namespace

absl::StatusOr<lifecycle::NewKey> ParseNewKey(absl::string_view tenant, absl::string_view name,
                                              const v1::Key& message) {
  lifecycle::NewKey key;
  key.name = std::string(name);
  if (absl::Status s = TakePurpose(tenant, message, key); !s.ok()) return s;
  key.algorithm = FindAlgorithm(message.algorithm());
  if (key.algorithm == nullptr) {
    return MakeError(absl::StatusCode::kInvalidArgument, "ALGORITHM_UNSUPPORTED",
                     "key.algorithm is not one that Sealward knows; ES256 is a good choice");
  }
  auto policy = ParseRotationPolicy(message);
  if (!policy.ok()) return policy.status();
  key.rotation_policy = *policy;
  auto quota = ParseQuotaOf("key.quota", message);
  if (!quota.ok()) return quota.status();
  key.quota = *quota;
  return key;
}

}  // namespace sealward::api
