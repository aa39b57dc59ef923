#include "client/cli/key_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/duration.h"
#include "client/cli/policy_options.h"
#include "client/cli/quota_options.h"
#include "client/cli/table.h"
#include "common/algorithms.h"

namespace sealward::client::cli {
namespace {

std::string Versioned(const v1::KeyVersion& version) {
  return absl::StrCat("version ", VersionNumber(version.name()));
}

std::string PredecessorText(const v1::KeyVersion& predecessor, bool raw, bool now) {
  std::string text =
      absl::StrCat(now ? "" : absl::StrCat("Until then ", Versioned(predecessor), " signs.\n"),
                   now ? absl::StrCat("V", Versioned(predecessor).substr(1)) : "It",
                   raw ? " stays VERIFY_ONLY for signatures that still count, until "
                       : " stays in the JWKS for JWTs that still live, until ",
                   FormatTime(predecessor.has_withdraw_time(), predecessor.withdraw_time()), ".\n");
  return text;
}

// What the key demands of sub; "any" for nothing.
std::string SubjectRuleText(const v1::ClaimRules& rules) {
  std::string text = rules.subject_required() ? "required" : "";
  if (rules.subject_prefixes().empty()) return text.empty() ? "any" : text;
  return absl::StrCat(text, text.empty() ? "" : ", ", "begins with ",
                      absl::StrJoin(rules.subject_prefixes(), " or "));
}

std::string PauseText(const v1::KeyPause& pause) {
  return absl::StrCat("until ", FormatTime(pause.has_expire_time(), pause.expire_time()), " by ",
                      pause.owner(), ": ", pause.reason());
}

void AddScope(const v1::KeyScope& scope, Fields& fields) {
  fields.Add("Issuer", scope.issuer());
  fields.Add("Audiences", absl::StrJoin(scope.audiences(), ", "));
  fields.Add("Typs", absl::StrJoin(scope.typs(), ", "));
  fields.Add("Max JWT lifetime", DurationText(FromProto(scope.max_jwt_lifetime())));
  fields.Add("Subject", SubjectRuleText(scope.claim_rules()));
  fields.Add("JWT id", scope.claim_rules().jwt_id_required() ? "required" : "any");
}

void AddRawScope(const v1::RawScope& scope, Fields& fields) {
  fields.Add("Purpose", "raw: any bytes, no JWTs, in no JWKS");
  fields.Add("Retire after", LongDurationText(FromProto(scope.retire_after())));
  fields.Add("Propagation time", LongDurationText(FromProto(scope.propagation_time())));
}

}  // namespace

std::string AlgorithmText(v1::Algorithm algorithm) {
  const AlgorithmInfo* row = FindAlgorithm(algorithm);
  return row == nullptr ? "?" : std::string(row->name);
}

std::string VersionNumber(absl::string_view version_name) {
  const size_t slash = version_name.rfind('/');
  return std::string(slash == absl::string_view::npos ? version_name
                                                      : version_name.substr(slash + 1));
}

std::string KeyText(const v1::Key& key) {
  Fields fields;
  fields.Add("Name", key.name());
  fields.Add("Algorithm", AlgorithmText(key.algorithm()));
  if (key.has_raw_scope()) {
    AddRawScope(key.raw_scope(), fields);
  } else {
    AddScope(key.scope(), fields);
  }
  fields.Add("Quota", QuotaText(key.has_quota(), key.quota()));
  fields.Add("Rotation", PolicyText(key.rotation_policy()));
  if (key.has_pause()) fields.Add("Paused", PauseText(key.pause()));
  fields.Add("Signs with version", VersionNumber(key.signing_version()));
  fields.Add("Next version", VersionNumber(key.next_version()));
  fields.Add("Next switch", FormatTime(key.has_next_switch_time(), key.next_switch_time()));
  fields.Add("Created", FormatTime(key.has_create_time(), key.create_time()));
  fields.Add("Etag", key.etag());
  for (const std::string& warning : key.warnings()) fields.Add("Warning", warning);
  return fields.ToString();
}

std::string VersionText(const v1::KeyVersion& version) {
  Fields fields;
  fields.Add("Name", version.name());
  fields.Add("State", v1::KeyVersion::State_Name(version.state()));
  fields.Add("Algorithm", AlgorithmText(version.algorithm()));
  fields.Add("Kid", version.kid());
  // Of the times, those that there are.
  const auto add = [&fields](const char* name, bool set, const google::protobuf::Timestamp& time) {
    if (set) fields.Add(name, FormatTime(true, time));
  };
  add("Created", version.has_create_time(), version.create_time());
  add("Published from", version.has_publish_time(), version.publish_time());
  add("Ready from", version.has_standby_time(), version.standby_time());
  add("Signs from", version.has_activate_time(), version.activate_time());
  add("Signs until", version.has_retire_time(), version.retire_time());
  add("Published until", version.has_withdraw_time(), version.withdraw_time());
  add("Hard end of signing", version.has_sign_until(), version.sign_until());
  add("Hard end, published", version.has_publish_until(), version.publish_until());
  add("Activate by", version.has_activate_by(), version.activate_by());
  add("Suspended", version.has_suspend_time(), version.suspend_time());
  add("Revoked", version.has_revoke_time(), version.revoke_time());
  if (version.has_revoke_time()) fields.Add("Revoked by", version.revoker());
  add("Destroyed from", version.has_destroy_due_time(), version.destroy_due_time());
  add("Destroyed", version.has_destroy_time(), version.destroy_time());
  if (version.unready()) fields.Add("Activated", "before every cache had it");
  return fields.ToString();
}

std::string VersionsText(const v1::ListKeyVersionsResponse& versions) {
  Table table({"VERSION", "STATE", "ALGORITHM", "KID", "PUBLISHED FROM", "READY FROM", "SIGNS FROM",
               "SIGNS UNTIL", "PUBLISHED UNTIL"});
  for (const v1::KeyVersion& version : versions.key_versions()) {
    table.Add({VersionNumber(version.name()), v1::KeyVersion::State_Name(version.state()),
               AlgorithmText(version.algorithm()), version.kid(),
               FormatTime(version.has_publish_time(), version.publish_time()),
               FormatTime(version.has_standby_time(), version.standby_time()),
               FormatTime(version.has_activate_time(), version.activate_time()),
               FormatTime(version.has_retire_time(), version.retire_time()),
               FormatTime(version.has_withdraw_time(), version.withdraw_time())});
  }
  return table.ToString();
}

std::string RotationText(const v1::RotateKeyResponse& rotation, bool validate_only,
                         absl::Time now) {
  const absl::Time at = FromProto(rotation.switch_time());
  const bool reached = at <= now;
  std::string text = absl::StrCat(rotation.key().name(), ": ", Versioned(rotation.successor()));
  if (validate_only) absl::StrAppend(&text, reached ? " would sign at once" : " would sign");
  if (!validate_only) absl::StrAppend(&text, reached ? " signs now" : " will sign");
  if (!reached) {
    const absl::Duration wait = absl::Ceil(at - now, absl::Seconds(1));
    absl::StrAppend(&text, " from ", FormatTime(true, rotation.switch_time()), " on (in ",
                    DurationText(wait), "), when every cache has it");
  }
  absl::StrAppend(&text, ".\n");
  if (rotation.already_planned()) {
    absl::StrAppend(&text, "This switch had been planned before.\n");
  }
  if (rotation.has_predecessor()) {
    absl::StrAppend(
        &text, PredecessorText(rotation.predecessor(), rotation.key().has_raw_scope(), reached));
  }
  if (validate_only) absl::StrAppend(&text, "Nothing was changed.\n");
  return text;
}

}  // namespace sealward::client::cli
