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

}  // namespace

absl::StatusOr<lifecycle::NewKey> ParseNewKey(absl::string_view tenant, absl::string_view name,
                                              const v1::Key& message) {
  const v1::KeyScope& scope = message.scope();
  if (message.purpose() != v1::KEY_PURPOSE_JWT) {
    return MakeError(absl::StatusCode::kInvalidArgument, "PURPOSE_INVALID",
                     "key.purpose must be KEY_PURPOSE_JWT");
  }
  if (absl::Status s = CheckIssuer(tenant, scope); !s.ok()) return s;
  if (absl::Status s = CheckAudiences(scope); !s.ok()) return s;
  if (absl::Status s = CheckTyps(scope); !s.ok()) return s;
  auto claim_rules = ParseClaimRules(scope.claim_rules());
  if (!claim_rules.ok()) return claim_rules.status();
  lifecycle::NewKey key;
  key.claim_rules = *std::move(claim_rules);
  key.name = std::string(name);
  key.purpose = message.purpose();
  key.issuer = scope.issuer();
  key.audiences.assign(scope.audiences().begin(), scope.audiences().end());
  key.typs.assign(scope.typs().begin(), scope.typs().end());
  if (key.typs.empty()) key.typs.emplace_back(kDefaultTyp);
  key.max_jwt_lifetime = kDefaultJwtLifetime;
  if (scope.has_max_jwt_lifetime()) {
    const auto lifetime =
        ParseSeconds(scope.max_jwt_lifetime(), absl::Seconds(1), kLongestJwtLifetime);
    if (!lifetime) return BadScope("max_jwt_lifetime must be whole seconds, from 1 s to 30 days");
    key.max_jwt_lifetime = *lifetime;
  }
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
