#include "client/cli/revocation_text.h"

#include "absl/strings/str_cat.h"
#include "client/cli/duration.h"
#include "client/cli/key_text.h"
#include "client/cli/table.h"

namespace sealward::client::cli {
namespace {

std::string BoundText(const v1::Exposure& exposure) {
  if (exposure.has_until()) return absl::StrCat("until ", FormatTime(true, exposure.until()));
  if (!exposure.has_until_fresh_kid()) return "UNBOUNDED: restart them";
  const v1::UntilFreshKid& fresh = exposure.until_fresh_kid();
  return absl::StrCat("until the first JWT of version ", VersionNumber(fresh.version()),
                      fresh.kid().empty() ? ", which is still to be generated"
                                          : absl::StrCat(" (kid ", fresh.kid(), ")"),
                      fresh.has_planned_time()
                          ? absl::StrCat(", planned for ", FormatTime(true, fresh.planned_time()))
                          : ", not planned yet: rotate the key");
}

void AddSigner(const v1::RevokedVersion& revoked, bool preview, std::string& text) {
  if (revoked.promoted_version().empty()) return;
  absl::StrAppend(&text, "  Version ", VersionNumber(revoked.promoted_version()),
                  preview ? " would sign instead, at once.\n" : " signs now.\n");
  if (revoked.refused_by().empty()) return;
  absl::StrAppend(&text, "  It is not in every cache yet. Its JWTs may be refused by\n");
  for (const std::string& each : revoked.refused_by()) {
    absl::StrAppend(&text, "    ", each, "\n");
  }
}

void AddExposures(const v1::RevokedVersion& revoked, std::string& text) {
  if (revoked.exposures().empty()) {
    absl::StrAppend(&text, "  No validator that Sealward knows of trusts it.\n");
    return;
  }
  absl::StrAppend(&text, "  It may still be trusted by\n");
  Table table({"    VALIDATORS", "HOW LONG"});
  for (const v1::Exposure& exposure : revoked.exposures()) {
    table.Add({absl::StrCat("    ", exposure.validators()), BoundText(exposure)});
  }
  absl::StrAppend(&text, table.ToString());
}

void AddLiveJwts(const v1::RevokedVersion& revoked, std::string& text) {
  if (!revoked.has_live_jwts_until()) return;
  absl::StrAppend(&text, "  Honest JWTs of it die too");
  if (revoked.live_jwts() > 0) {
    absl::StrAppend(&text, ": ", revoked.live_jwts(), " that this server has signed");
  }
  absl::StrAppend(&text, "; the last would have expired by ",
                  FormatTime(true, revoked.live_jwts_until()), ".\n");
}

std::string VersionSection(const v1::RevokedVersion& revoked, bool preview) {
  std::string text = absl::StrCat(
      revoked.version().name(), preview ? " would be revoked" : " is revoked",
      revoked.version().kid().empty() ? "" : absl::StrCat(" (kid ", revoked.version().kid(), ")"),
      ".\n");
  AddSigner(revoked, preview, text);
  AddExposures(revoked, text);
  AddLiveJwts(revoked, text);
  if (revoked.tombstone_pending()) {
    absl::StrAppend(&text,
                    "  The HSM could not be reached: its tombstone there is still to come. This\n"
                    "  server neither signs with it nor publishes it.\n");
  }
  return text;
}

}  // namespace

std::string RevocationText(const v1::RevokeResponse& response, bool preview) {
  std::string text = preview ? "Nothing was changed. This is what would happen:\n\n" : "";
  if (response.versions().empty()) {
    absl::StrAppend(&text, "There is nothing to revoke: all of it is revoked or destroyed.\n");
  }
  for (const v1::RevokedVersion& revoked : response.versions()) {
    absl::StrAppend(&text, VersionSection(revoked, preview), "\n");
  }
  if (response.omitted_versions() > 0) {
    absl::StrAppend(
        &text, response.omitted_versions(),
        preview ? " more versions would be revoked.\n" : " more versions are revoked.\n");
  }
  for (const v1::UnservedKey& key : response.unserved_keys()) {
    absl::StrAppend(&text, key.key(), preview ? " would sign NOTHING " : " signs NOTHING ",
                    key.has_until() ? absl::StrCat("until ", FormatTime(true, key.until()))
                                    : "until a new version is generated and in every cache",
                    "; --activate-unready lets the next version sign at once.\n");
  }
  return text;
}

}  // namespace sealward::client::cli
