// KeyService: what may change about a key, and what that makes of its versions.
#include <set>
#include <string>

#include "common/errors.h"
#include "common/resource_name.h"
#include "server/api/conversion.h"
#include "server/api/key_change.h"
#include "server/api/key_service.h"
#include "server/api/policy_rules.h"
#include "server/api/quota_rules.h"
#include "server/api/update_mask.h"
#include "server/catalog/mutations.h"
#include "server/lifecycle/intervene.h"

namespace sealward::api {
namespace {

// The right that a field needs.
auth::Verb VerbOf(const std::string& field) {
  return field == "quota" ? auth::Verb::kUpdateKey : auth::Verb::kSetRotationPolicy;
}

// All that a request asks for, checked as far as it says it itself.
struct Asked {
  std::set<std::string> fields;
  catalog::Quota quota;
  lifecycle::RotationPolicy policy;
  const AlgorithmInfo* algorithm = nullptr;
};

absl::StatusOr<Asked> ParseAsked(const v1::Key& key, std::set<std::string> fields) {
  Asked asked;
  asked.fields = std::move(fields);
  if (asked.fields.contains("quota")) {
    const auto quota = ParseQuotaOf("key.quota", key);
    if (!quota.ok()) return quota.status();
    asked.quota = *quota;
  }
  if (asked.fields.contains("rotation_policy")) {
    const auto policy = ParseRotationPolicy(key);
    if (!policy.ok()) return policy.status();
    asked.policy = *policy;
  }
  if (asked.fields.contains("algorithm")) {
    asked.algorithm = FindAlgorithm(key.algorithm());
    if (asked.algorithm == nullptr) {
      return MakeError(absl::StatusCode::kInvalidArgument, "ALGORITHM_UNSUPPORTED",
                       "key.algorithm is not one that Sealward knows; to leave it as it is, name "
                       "in update_mask what is to change");
    }
  }
  return asked;
}

}  // namespace

absl::StatusOr<v1::Key> KeyService::Update(const Caller& caller,
                                           const v1::UpdateKeyRequest& request) const {
  const std::string& name = request.key().name();
  const auto parsed = KeyName::Parse(name);
  if (!parsed.ok()) return parsed.status();
  const auto fields =
      ParseUpdateMask(request.update_mask(), {"quota", "rotation_policy", "algorithm"});
  if (!fields.ok()) return fields.status();
  const auto snapshot = edge_.catalog->Get();
  for (const std::string& field : *fields) {
    if (absl::Status s =
            caller.Authorize(*snapshot, auth::Target{parsed->Parent(), name}, VerbOf(field), name);
        !s.ok()) {
      return s;
    }
  }
  const auto asked = ParseAsked(request.key(), *fields);
  if (!asked.ok()) return asked.status();
  if (asked->algorithm != nullptr) {
    if (absl::Status s = manager_->CheckAlgorithm(name, *asked->algorithm); !s.ok()) return s;
  }
  const auto decide = [&](const catalog::Key& seen, const lifecycle::KeyCourse& course,
                          absl::Time now) -> absl::StatusOr<catalog::Key> {
    catalog::Key next = seen;
    if (asked->fields.contains("rotation_policy")) {
      const auto newest = edge_.catalog->Get();
      const PolicyFrame frame{*seen.issuer, seen.name, seen.max_jwt_lifetime};
      if (absl::Status s = CheckRotationPolicy(*newest, frame, asked->policy, now); !s.ok()) {
        return s;
      }
      next = catalog::WithTimes(
          seen, lifecycle::ChangePolicies(course, course.cache, asked->policy, now));
      next.rotation_policy = asked->policy;
    }
    if (asked->fields.contains("quota")) next.quota = asked->quota;
    if (asked->algorithm != nullptr) {
      next = lifecycle::WithAlgorithm(next, *asked->algorithm, now);
    }
    return next;
  };
  const auto key = ChangeKey(edge_, *manager_, caller,
                             {name, request.key().etag(), request.validate_only()}, decide);
  if (!key.ok()) return key.status();
  return ToMessage(**key, edge_.Now());
}

}  // namespace sealward::api
