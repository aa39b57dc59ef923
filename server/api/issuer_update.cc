// IssuerService: another promise to caches, with what it makes of the issuer's keys.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/resource_name.h"
#include "server/api/answer.h"
#include "server/api/conversion.h"
#include "server/api/etag.h"
#include "server/api/issuer_rules.h"
#include "server/api/issuer_service.h"
#include "server/api/policy_rules.h"
#include "server/api/update_mask.h"
#include "server/catalog/issuer_mutations.h"
#include "server/catalog/mutations.h"
#include "server/lifecycle/intervene.h"

namespace sealward::api {
namespace {

using KeyPtr = std::shared_ptr<const catalog::Key>;

std::vector<KeyPtr> KeysOf(const catalog::Snapshot& snapshot, const std::string& issuer) {
  const auto found = snapshot.keys_of_issuer.find(issuer);
  return found == snapshot.keys_of_issuer.end() ? std::vector<KeyPtr>() : found->second;
}

// FAILED_PRECONDITION (POLICY_INFEASIBLE), naming the key, where the policy of one
// could be kept before and can be no more.
absl::Status CheckPolicies(const catalog::Snapshot& snapshot, const catalog::Issuer& next,
                           const std::vector<KeyPtr>& keys, absl::Time now) {
  for (const KeyPtr& key : keys) {
    const PolicyFrame before{*key->issuer, key->name, key->max_jwt_lifetime};
    const PolicyFrame after{next, key->name, key->max_jwt_lifetime};
    const lifecycle::RotationPolicy& policy = key->rotation_policy;
    const absl::Status status = CheckRotationPolicy(snapshot, after, policy, now);
    if (status.ok() || !CheckRotationPolicy(snapshot, before, policy, now).ok()) continue;
    return MakeError(absl::StatusCode::kFailedPrecondition, "POLICY_INFEASIBLE",
                     absl::StrCat("with this issuer, ", key->name,
                                  " could not keep its policy: ", status.message(),
                                  ". Change that first (`sealward keys update`)"));
  }
  return absl::OkStatus();
}

std::vector<catalog::KeyReplacement> Replacements(const std::vector<KeyPtr>& keys,
                                                  const catalog::Issuer& next, absl::Time now) {
  std::vector<catalog::KeyReplacement> replacements;
  for (const KeyPtr& key : keys) {
    const lifecycle::KeyCourse course = catalog::CourseOf(*key, 0);
    lifecycle::CachePolicy cache = course.cache;
    cache.propagation_time = next.propagation_time;
    const auto times = lifecycle::ChangePolicies(course, cache, course.rotation, now);
    replacements.push_back({key, catalog::WithTimes(*key, times)});
  }
  return replacements;
}

absl::Status CheckSize(const store::Transaction& transaction, const std::string& issuer) {
  constexpr size_t kMost = store::kMaxTransactionOperations;
  if (transaction.compares.size() <= kMost && transaction.operations.size() <= kMost) {
    return absl::OkStatus();
  }
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "ISSUER_TOO_LARGE",
      absl::StrCat(issuer, " has ", transaction.compares.size() - 1,
                   " keys, of which this would "
                   "change ",
                   transaction.operations.size() - 1, " records at once; at most ", kMost - 1,
                   " of each can be. Move some keys to an issuer of their own"));
}

}  // namespace

grpc::ServerUnaryReactor* IssuerService::UpdateIssuer(grpc::CallbackServerContext* context,
                                                      const v1::UpdateIssuerRequest* request,
                                                      v1::Issuer* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return Update(caller, *request); });
  });
}

absl::StatusOr<v1::Issuer> IssuerService::Update(const Caller& caller,
                                                 const v1::UpdateIssuerRequest& request) const {
  const v1::Issuer& asked = request.issuer();
  const auto name = IssuerName::Parse(asked.name());
  if (!name.ok()) return name.status();
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{name->Parent()},
                                        auth::Verb::kUpdateIssuer, asked.name());
      !s.ok()) {
    return s;
  }
  const auto fields = ParseUpdateMask(
      request.update_mask(), {"max_age", "propagation_time", "validator_profile", "max_jwks_keys"});
  if (!fields.ok()) return fields.status();
  const auto found = snapshot->issuers.find(asked.name());
  if (found == snapshot->issuers.end()) return ResourceNotFound(asked.name());
  const catalog::Issuer& seen = *found->second;
  if (!EtagFits(asked.etag(), seen)) return EtagMismatch(asked.name());
  auto next = ChangedIssuer(seen, asked, *fields);
  if (!next.ok()) return next.status();
  const absl::Time now = edge_.Now();
  const std::vector<KeyPtr> keys = KeysOf(*snapshot, seen.name);
  if (absl::Status s = CheckPolicies(*snapshot, *next, keys, now); !s.ok()) return s;
  const auto transaction = catalog::UpdateIssuer(seen, *next, Replacements(keys, *next, now));
  if (absl::Status s = CheckSize(transaction, seen.name); !s.ok()) return s;
  next->mod_revision = 0;
  if (request.validate_only()) {
    caller.NothingIsDone();
  } else {
    const auto revision = edge_.Commit(transaction);
    if (!revision.ok()) return revision.status();
    next->mod_revision = *revision;
    for (const KeyPtr& key : keys) manager_->Changed(key->name);
  }
  return ToMessage(*next, public_url_);
}

}  // namespace sealward::api
