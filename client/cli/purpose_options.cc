#include "client/cli/purpose_options.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/duration.h"
#include "client/cli/exit_code.h"
#include "client/cli/names.h"

namespace sealward::client::cli {
namespace {

void FillClaimRules(const PurposeFlags& flags, v1::KeyScope& scope) {
  if (!flags.require_subject && !flags.require_jti && flags.subject_prefixes.empty()) return;
  v1::ClaimRules& rules = *scope.mutable_claim_rules();
  rules.set_subject_required(flags.require_subject);
  rules.mutable_subject_prefixes()->Add(flags.subject_prefixes.begin(),
                                        flags.subject_prefixes.end());
  rules.set_jwt_id_required(flags.require_jti);
}

// What its JWTs may say.
absl::Status FillScope(const KeyName& key_name, const PurposeFlags& flags, v1::Key& key) {
  if (flags.issuer.empty() || flags.audiences.empty()) {
    return UsageError(
        "a key for JWTs needs --issuer and --audience; one for other bytes "
        "--purpose raw");
  }
  if (!flags.retire_after.empty() || !flags.propagation_time.empty()) {
    return UsageError(
        "--retire-after and --propagation-time are for --purpose raw; of a key for "
        "JWTs its issuer says so");
  }
  auto issuer = ExpandIssuerOf(key_name.tenant, flags.issuer);
  if (!issuer.ok()) return issuer.status();
  key.set_purpose(v1::KEY_PURPOSE_JWT);
  v1::KeyScope& scope = *key.mutable_scope();
  scope.set_issuer(issuer->ToString());
  scope.mutable_audiences()->Add(flags.audiences.begin(), flags.audiences.end());
  scope.mutable_typs()->Add(flags.typs.begin(), flags.typs.end());
  FillClaimRules(flags, scope);
  if (flags.max_jwt_lifetime.empty()) return absl::OkStatus();
  auto lifetime = ParseDuration("--max-jwt-lifetime", flags.max_jwt_lifetime);
  if (!lifetime.ok()) return lifetime.status();
  *scope.mutable_max_jwt_lifetime() = ToProto(*lifetime);
  return absl::OkStatus();
}

// What those who verify its signatures are promised.
absl::Status FillRawScope(const PurposeFlags& flags, v1::Key& key) {
  if (!flags.issuer.empty() || !flags.audiences.empty() || !flags.typs.empty() ||
      !flags.max_jwt_lifetime.empty() || !flags.subject_prefixes.empty() || flags.require_subject ||
      flags.require_jti) {
    return UsageError(
        "--purpose raw: such a key signs no JWTs, so it has no --issuer, --audience, "
        "--typ, --max-jwt-lifetime or rules for claims");
  }
  if (flags.retire_after.empty()) {
    return UsageError(
        "--purpose raw needs --retire-after: how long a version's signatures are "
        "still verified after its last one");
  }
  auto retire_after = ParseDuration("--retire-after", flags.retire_after);
  if (!retire_after.ok()) return retire_after.status();
  key.set_purpose(v1::KEY_PURPOSE_RAW);
  *key.mutable_raw_scope()->mutable_retire_after() = ToProto(*retire_after);
  if (flags.propagation_time.empty()) return absl::OkStatus();
  auto propagation = ParseDurationOrZero("--propagation-time", flags.propagation_time);
  if (!propagation.ok()) return propagation.status();
  *key.mutable_raw_scope()->mutable_propagation_time() = ToProto(*propagation);
  return absl::OkStatus();
}

}  // namespace

absl::Status PurposeFlags::Fill(const KeyName& key_name, v1::Key& key) const {
  if (absl::EqualsIgnoreCase(name, "jwt")) return FillScope(key_name, *this, key);
  if (absl::EqualsIgnoreCase(name, "raw")) return FillRawScope(*this, key);
  return UsageError(absl::StrCat("--purpose: \"", name, "\" is not one of jwt, raw"));
}

void AddPurposeOptions(CLI::App& command, PurposeFlags& flags) {
  command.add_option("--purpose", flags.name, "jwt (default) or raw");
  command.add_option("--issuer", flags.issuer, "login, demo/login, or the full name");
  command.add_option("--audience", flags.audiences, "A permitted aud; repeat for more")
      ->allow_extra_args(false);
  command.add_option("--typ", flags.typs, "A permitted typ; the first is the default (JWT)")
      ->allow_extra_args(false);
  command.add_option("--max-jwt-lifetime", flags.max_jwt_lifetime,
                     "Longest time from signing to exp (1s to 30d; default 1h)");
  command
      .add_option("--subject-prefix", flags.subject_prefixes,
                  "What a sub must begin with, and be longer than; repeat for more")
      ->allow_extra_args(false);
  command.add_flag("--require-subject", flags.require_subject, "Refuse claims without a sub");
  command.add_flag("--require-jti", flags.require_jti, "Refuse claims without a jti");
  command.add_option("--retire-after", flags.retire_after,
                     "Raw: how long signatures are verified after a version's last one");
  command.add_option("--propagation-time", flags.propagation_time,
                     "Raw: how long verifiers need to learn a new public key (default 0)");
}

}  // namespace sealward::client::cli
