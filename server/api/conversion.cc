#include "server/api/conversion.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/api/algorithm_warning.h"
#include "server/api/etag.h"
#include "server/api/quota_rules.h"
#include "server/lifecycle/plan.h"
#include "server/lifecycle/state.h"
#include "server/publish/discovery.h"

namespace sealward::api {
namespace {

std::string VersionName(const catalog::Key& key, const catalog::KeyVersion& version) {
  return absl::StrCat(key.name, "/versions/", version.number);
}

// `mod_revision` 0: what does not exist yet (validate_only) has no etag.
std::string EtagOf(absl::string_view name, int64_t mod_revision) {
  return mod_revision == 0 ? "" : Etag(name, mod_revision);
}

void FillRawScope(const catalog::Key& key, v1::RawScope& out) {
  out.mutable_retire_after()->set_seconds(absl::ToInt64Seconds(key.max_jwt_lifetime));
  out.mutable_propagation_time()->set_seconds(absl::ToInt64Seconds(key.issuer->propagation_time));
}

void FillScope(const catalog::Key& key, v1::KeyScope& out) {
  out.set_issuer(key.issuer->name);
  out.mutable_audiences()->Add(key.audiences.begin(), key.audiences.end());
  out.mutable_typs()->Add(key.typs.begin(), key.typs.end());
  out.mutable_max_jwt_lifetime()->set_seconds(absl::ToInt64Seconds(key.max_jwt_lifetime));
  const catalog::ClaimRules& rules = key.claim_rules;
  if (rules == catalog::ClaimRules{}) return;  // no rule: unset
  out.mutable_claim_rules()->set_subject_required(rules.subject_required);
  out.mutable_claim_rules()->mutable_subject_prefixes()->Add(rules.subject_prefixes.begin(),
                                                             rules.subject_prefixes.end());
  out.mutable_claim_rules()->set_jwt_id_required(rules.jwt_id_required);
}

void FillPolicy(const catalog::Key& key, absl::Time now, v1::Key& out) {
  const lifecycle::RotationPolicy& policy = key.rotation_policy;
  v1::RotationPolicy& message = *out.mutable_rotation_policy();
  const auto fill = [](absl::Duration duration, auto mutable_field) {
    if (duration != absl::InfiniteDuration()) {
      mutable_field()->set_seconds(absl::ToInt64Seconds(duration));
    }
  };
  fill(policy.rotation_period, [&] { return message.mutable_rotation_period(); });
  fill(policy.max_signing_time, [&] { return message.mutable_max_signing_time(); });
  fill(policy.max_standby_time, [&] { return message.mutable_max_standby_time(); });
  fill(policy.destroy_after, [&] { return message.mutable_destroy_after(); });
  fill(policy.recovery_window, [&] { return message.mutable_recovery_window(); });
  if (!key.pause || key.pause->times.expire <= now) return;
  out.mutable_pause()->set_owner(key.pause->owner);
  out.mutable_pause()->set_reason(key.pause->reason);
  *out.mutable_pause()->mutable_start_time() = ToTimestamp(key.pause->times.start);
  *out.mutable_pause()->mutable_expire_time() = ToTimestamp(key.pause->times.expire);
}

void FillNext(const catalog::Key& key, absl::Time now, v1::Key& out) {
  const std::vector<lifecycle::VersionTimes> times = catalog::TimesOf(key);
  if (const auto signing = lifecycle::SigningVersionAt(times, now)) {
    out.set_signing_version(VersionName(key, *key.versions[*signing]));
  }
  const auto next = lifecycle::PlanRotation(catalog::CourseOf(key, 0), now);
  if (!next) return;
  out.set_next_version(VersionName(key, *key.versions[next->successor]));
  if (next->already_planned) *out.mutable_next_switch_time() = ToTimestamp(next->at);
}

}  // namespace

v1::KeyVersion::State ToMessage(lifecycle::State state) {
  switch (state) {
    case lifecycle::State::kPending:
      return v1::KeyVersion::PENDING;
    case lifecycle::State::kStaged:
      return v1::KeyVersion::STAGED;
    case lifecycle::State::kStandby:
      return v1::KeyVersion::STANDBY;
    case lifecycle::State::kActive:
      return v1::KeyVersion::ACTIVE;
    case lifecycle::State::kVerifyOnly:
      return v1::KeyVersion::VERIFY_ONLY;
    case lifecycle::State::kWithdrawn:
      return v1::KeyVersion::WITHDRAWN;
    case lifecycle::State::kSuspended:
      return v1::KeyVersion::SUSPENDED;
    case lifecycle::State::kRevoked:
      return v1::KeyVersion::REVOKED;
    case lifecycle::State::kDestroyScheduled:
      return v1::KeyVersion::DESTROY_SCHEDULED;
    case lifecycle::State::kDestroyed:
      return v1::KeyVersion::DESTROYED;
  }
  return v1::KeyVersion::STATE_UNSPECIFIED;
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp out;
  const int64_t seconds = absl::ToUnixSeconds(time);
  out.set_seconds(seconds);
  out.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return out;
}

v1::Tenant ToMessage(const catalog::Tenant& tenant) {
  v1::Tenant out;
  out.set_name(tenant.name);
  out.set_display_name(tenant.display_name);
  out.set_partition(tenant.partition);
  FillQuota(tenant.quota, out);
  *out.mutable_create_time() = ToTimestamp(tenant.create_time);
  out.set_etag(EtagOf(tenant.name, tenant.mod_revision));
  return out;
}

v1::Issuer ToMessage(const catalog::Issuer& issuer, absl::string_view public_url) {
  v1::Issuer out;
  out.set_name(issuer.name);
  out.set_issuer_url(issuer.issuer_url);
  out.mutable_max_age()->set_seconds(absl::ToInt64Seconds(issuer.max_age));
  out.mutable_propagation_time()->set_seconds(absl::ToInt64Seconds(issuer.propagation_time));
  out.set_shared(issuer.shared);
  out.set_validator_profile(issuer.validator_profile);
  out.set_max_jwks_keys(catalog::MaxJwksKeys(issuer));
  out.set_jwks_uri(publish::JwksUri(public_url, issuer.name));
  *out.mutable_create_time() = ToTimestamp(issuer.create_time);
  out.set_etag(EtagOf(issuer.name, issuer.mod_revision));
  return out;
}

v1::ForeignKey ToMessage(const catalog::ForeignKey& key) {
  v1::ForeignKey out;
  out.set_name(key.name);
  *out.mutable_jwk() = key.jwk;
  *out.mutable_expire_time() = ToTimestamp(key.expire_time);
  out.set_description(key.description);
  *out.mutable_create_time() = ToTimestamp(key.create_time);
  out.set_etag(EtagOf(key.name, key.mod_revision));
  return out;
}

v1::RoleBinding ToMessage(const catalog::RoleBinding& binding) {
  v1::RoleBinding out;
  out.set_name(binding.name);
  out.set_principal(binding.principal);
  out.set_role(binding.role);
  *out.mutable_create_time() = ToTimestamp(binding.create_time);
  out.set_etag(EtagOf(binding.name, binding.mod_revision));
  return out;
}

v1::Approval ToMessage(const catalog::Approval& approval) {
  v1::Approval out;
  out.set_name(approval.name);
  out.set_state(approval.approver.empty() ? v1::Approval::PENDING : v1::Approval::APPROVED);
  out.set_method(approval.method);
  out.set_resource(approval.resource);
  out.set_request_json(approval.request_json);
  out.set_requester(approval.requester);
  *out.mutable_create_time() = ToTimestamp(approval.create_time);
  *out.mutable_expire_time() = ToTimestamp(approval.expire_time);
  out.set_approver(approval.approver);
  if (!approval.approver.empty()) *out.mutable_approve_time() = ToTimestamp(approval.approve_time);
  out.set_etag(EtagOf(approval.name, approval.mod_revision));
  return out;
}

v1::Key ToMessage(const catalog::Key& key, absl::Time now) {
  v1::Key out;
  out.set_name(key.name);
  out.set_purpose(key.purpose);
  if (key.purpose == v1::KEY_PURPOSE_RAW) {
    FillRawScope(key, *out.mutable_raw_scope());
  } else {
    FillScope(key, *out.mutable_scope());
    // Verifiers of a RAW key are its owner's own.
    if (std::string warning = AlgorithmWarning(*key.algorithm, key.issuer->validator_profile);
        !warning.empty()) {
      out.add_warnings(std::move(warning));
    }
  }
  out.set_algorithm(key.algorithm->algorithm);
  FillQuota(key.quota, out);
  FillPolicy(key, now, out);
  FillNext(key, now, out);
  *out.mutable_create_time() = ToTimestamp(key.create_time);
  out.set_etag(EtagOf(key.name, key.mod_revision));
  return out;
}

v1::KeyVersion ToMessage(const catalog::Key& key, const catalog::KeyVersion& version,
                         absl::Time now) {
  v1::KeyVersion out;
  out.set_name(VersionName(key, version));
  out.set_state(ToMessage(lifecycle::StateAt(version.times, now)));
  out.set_algorithm(version.algorithm->algorithm);
  if (!version.spki.empty()) {
    out.set_kid(version.jwk.kid());
    *out.mutable_jwk() = version.jwk;
  }
  *out.mutable_create_time() = ToTimestamp(version.create_time);
  const auto fill = [](absl::Time time, auto mutable_field) {
    if (time != absl::InfiniteFuture()) *mutable_field() = ToTimestamp(time);
  };
  fill(version.times.publish, [&out] { return out.mutable_publish_time(); });
  fill(version.times.standby, [&out] { return out.mutable_standby_time(); });
  fill(version.times.activate, [&out] { return out.mutable_activate_time(); });
  fill(version.times.retire, [&out] { return out.mutable_retire_time(); });
  fill(version.times.withdraw, [&out] { return out.mutable_withdraw_time(); });
  fill(version.times.sign_until, [&out] { return out.mutable_sign_until(); });
  fill(version.times.publish_until, [&out] { return out.mutable_publish_until(); });
  fill(version.times.activate_by, [&out] { return out.mutable_activate_by(); });
  fill(version.times.suspend, [&out] { return out.mutable_suspend_time(); });
  fill(version.times.revoke, [&out] { return out.mutable_revoke_time(); });
  fill(version.times.destroy_due, [&out] { return out.mutable_destroy_due_time(); });
  fill(version.times.destroy, [&out] { return out.mutable_destroy_time(); });
  out.set_revocation_reason(version.revocation_reason);
  out.set_revoker(version.revoker);
  out.set_unready(version.times.unready);
  return out;
}

}  // namespace sealward::api
