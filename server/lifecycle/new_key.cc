#include "server/lifecycle/new_key.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/catalog/mutations.h"
#include "server/lifecycle/course.h"
#include "server/lifecycle/jwks_full.h"
#include "server/lifecycle/resource_errors.h"

namespace sealward::lifecycle {

absl::Status CheckNewKey(const catalog::Snapshot& snapshot, const NewKey& key, absl::Time now) {
  if (snapshot.keys.contains(key.name)) {
    return ResourceExists(key.name);
  }
  if (key.purpose == v1::KEY_PURPOSE_RAW) return absl::OkStatus();
  const auto issuer = snapshot.issuers.find(key.issuer);
  if (issuer == snapshot.issuers.end()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "SCOPE_INVALID",
                     absl::StrCat("scope.issuer: ", key.issuer, " does not exist"));
  }
  const auto keys = snapshot.keys_of_issuer.find(key.issuer);
  if (!issuer->second->shared && keys != snapshot.keys_of_issuer.end() && !keys->second.empty()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "ISSUER_NOT_SHARED",
                     absl::StrCat(key.issuer, " has its one key, ", keys->second.front()->name,
                                  "; use an issuer of its own, or one created as shared"));
  }
  if (catalog::JwksRoom(snapshot, *issuer->second, now) <= 0) {
    return JwksFull(absl::StrCat(key.name, " cannot be made"), *issuer->second);
  }
  return absl::OkStatus();
}

const std::shared_ptr<const catalog::Tenant>& TenantOf(const catalog::Snapshot& snapshot,
                                                       const NewKey& key) {
  return snapshot.tenants.at(key.name.substr(0, key.name.find("/keys/")));
}

catalog::Key ToKey(const catalog::Snapshot& snapshot, const NewKey& request) {
  catalog::Key key;
  key.name = request.name;
  key.purpose = request.purpose;
  key.tenant = TenantOf(snapshot, request);
  key.issuer = request.purpose == v1::KEY_PURPOSE_RAW
                   ? std::make_shared<const catalog::Issuer>(
                         catalog::RawIssuer(request.raw_propagation_time, snapshot.margins))
                   : snapshot.issuers.at(request.issuer);
  key.audiences = request.audiences;
  key.typs = request.typs;
  key.max_jwt_lifetime = request.max_jwt_lifetime;
  key.claim_rules = request.claim_rules;
  key.algorithm = request.algorithm;
  key.quota = request.quota;
  key.rotation_policy = request.rotation_policy;
  return key;
}

absl::Status CheckAlgorithmOffered(const hsm_client::Partition& partition,
                                   const AlgorithmInfo& algorithm) {
  const auto description = partition.Status().description;
  if (description.algorithms().empty()) {
    return MakeRetryableError(absl::StatusCode::kUnavailable, "HSM_UNAVAILABLE",
                              "no sealward-hsm process is ready; `sealward status` says why",
                              absl::Seconds(1));
  }
  if (std::ranges::find(description.algorithms(), algorithm.algorithm) ==
      description.algorithms().end()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "ALGORITHM_UNAVAILABLE",
                     absl::StrCat("the HSM partition does not offer ", algorithm.name,
                                  "; `sealward status` lists what it offers"));
  }
  return absl::OkStatus();
}

catalog::Key WithAlgorithm(const catalog::Key& key, const AlgorithmInfo& algorithm,
                           absl::Time now) {
  std::vector<VersionTimes> times = catalog::TimesOf(key);
  for (size_t i = 0; i < times.size(); ++i) {
    const bool pending = key.versions[i]->spki.empty() && CanFollow(times[i], now);
    if (pending && key.versions[i]->algorithm != &algorithm) times[i].withdraw = now;
  }
  catalog::Key next = catalog::WithTimes(key, times);
  next.algorithm = &algorithm;
  return next;
}

absl::Status CheckNewKid(const catalog::Snapshot& snapshot, absl::string_view kid) {
  const auto found = snapshot.versions_by_kid.find(kid);
  if (found == snapshot.versions_by_kid.end()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInternal, "HSM_KEY_REPEATED",
                   absl::StrCat("the HSM made a key pair that ", found->second.key, "/versions/",
                                found->second.number, " has already"));
}

}  // namespace sealward::lifecycle
