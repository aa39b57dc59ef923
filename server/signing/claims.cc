#include "server/signing/claims.h"

#include <algorithm>
#include <array>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/signing/claim_names.h"
#include "server/signing/strict_json.h"

namespace sealward::signing {
namespace {

using Kind = JsonValue::Kind;
using Refusal = std::optional<absl::string_view>;

constexpr double kMaxNumericDate = 9'007'199'254'740'992.0;  // 2^53

// What the scan keeps of the claims.
struct Findings {
  const catalog::Key* key = nullptr;
  bool issuer_matches = false;
  bool has_audience = false;
  bool audience_is_array = false;
  bool audiences_match = true;
  size_t audience_count = 0;
  std::optional<double> expires, not_before, issued_at;
  bool has_subject = false;
  bool has_jwt_id = false;  // one that is not empty
  bool subject_is_empty = false;
  bool subject_matches = true;
};

Refusal TakeIssuer(const JsonValue& value, Findings& found) {
  if (value.kind != Kind::kString) return "iss must be a string";
  found.issuer_matches = value.text == found.key->issuer->issuer_url;
  return std::nullopt;
}

Refusal TakeOneAudience(const JsonValue& value, Findings& found) {
  if (value.kind != Kind::kString) return "aud must be a string or an array of strings";
  if (++found.audience_count > kMaxAudiences) return "aud has more than 64 values";
  const auto& allowed = found.key->audiences;
  if (std::find(allowed.begin(), allowed.end(), value.text) == allowed.end()) {
    found.audiences_match = false;
  }
  return std::nullopt;
}

Refusal TakeAudience(const JsonValue& value, Findings& found) {
  found.has_audience = true;
  found.audience_is_array = value.kind == Kind::kArray;
  return found.audience_is_array ? std::nullopt : TakeOneAudience(value, found);
}

// Whether `subject` is one of those that the key may sign for: a prefix by
// itself names nobody.
bool IsSubjectOf(const catalog::ClaimRules& rules, absl::string_view subject) {
  const auto& prefixes = rules.subject_prefixes;
  return prefixes.empty() || std::ranges::any_of(prefixes, [subject](const std::string& prefix) {
           return subject.size() > prefix.size() && absl::StartsWith(subject, prefix);
         });
}

Refusal TakeSubject(const JsonValue& value, Findings& found) {
  if (value.kind != Kind::kString) return "sub must be a string";
  found.has_subject = true;
  found.subject_is_empty = value.text.empty();
  found.subject_matches = IsSubjectOf(found.key->claim_rules, value.text);
  return std::nullopt;
}

Refusal TakeJwtId(const JsonValue& value, Findings& found) {
  if (value.kind != Kind::kString) return "jti must be a string";
  found.has_jwt_id = !value.text.empty();
  return std::nullopt;
}

template <std::optional<double> Findings::* kTime>
Refusal TakeTime(const JsonValue& value, Findings& found) {
  if (value.kind != Kind::kNumber || value.number < 0 || value.number > kMaxNumericDate) {
    return "exp, nbf and iat must be numbers of seconds from 0 to 2^53 (NumericDate)";
  }
  found.*kTime = value.number;
  return std::nullopt;
}

// The registered claims (RFC 7519 section 4.1), most frequent first.
struct Claim {
  absl::string_view name;
  Refusal (*take)(const JsonValue&, Findings&);
};
constexpr std::array kClaims = {
    Claim{"iss", TakeIssuer},
    Claim{"aud", TakeAudience},
    Claim{"sub", TakeSubject},
    Claim{"exp", TakeTime<&Findings::expires>},
    Claim{"iat", TakeTime<&Findings::issued_at>},
    Claim{"nbf", TakeTime<&Findings::not_before>},
    Claim{"jti", TakeJwtId},
};
Refusal TakeMember(absl::string_view name, const JsonValue& value, Findings& found) {
  for (const Claim& claim : kClaims) {
    if (claim.name == name) return claim.take(value, found);
  }
  if (LooksLikeRegisteredClaim(name)) {
    return "a member name differs from a registered claim in case only; some validators would "
           "read it as that claim";
  }
  return std::nullopt;
}

absl::Time TimeOf(double numeric_date) { return absl::UnixEpoch() + absl::Seconds(numeric_date); }

absl::Status Invalid(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "CLAIMS_INVALID",
                   absl::StrCat("the claims were refused: ", what));
}

absl::Status OutOfScope(const Findings& found, absl::string_view what) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "CLAIMS_OUT_OF_SCOPE",
      absl::StrCat("the claims are outside the scope of ", found.key->name, ": ", what));
}

// Of iat and nbf, where they are there. REQUIRES: exp is, and is in the future.
absl::string_view StartProblem(const Findings& found, absl::Time now) {
  const auto is_ahead = [now](const std::optional<double>& seconds) {
    return seconds && TimeOf(*seconds) - now > kMaxFutureStart;
  };
  if (is_ahead(found.not_before)) return "nbf is more than 5 minutes in the future";
  if (is_ahead(found.issued_at)) return "iat is more than 5 minutes in the future";
  if (found.not_before && *found.not_before >= *found.expires) return "nbf is not before exp";
  if (!found.issued_at) return "";
  if (*found.issued_at >= *found.expires) return "iat is not before exp";
  if (TimeOf(*found.expires) - TimeOf(*found.issued_at) >
      found.key->max_jwt_lifetime + kMaxPastIssue) {
    return "exp is further after iat than the key's longest JWT lifetime (and 5 minutes)";
  }
  return "";
}

absl::Status CheckTimes(const Findings& found, absl::Time now, absl::Time latest_expiry) {
  if (!found.expires) return OutOfScope(found, "exp is missing");
  const absl::Time expires = TimeOf(*found.expires);
  if (expires <= now) return OutOfScope(found, "exp is not in the future");
  if (expires - now > found.key->max_jwt_lifetime) {
    return OutOfScope(found, absl::StrCat("exp is further away than the key's longest JWT "
                                          "lifetime, ",
                                          absl::FormatDuration(found.key->max_jwt_lifetime)));
  }
  if (expires > latest_expiry) {
    return OutOfScope(
        found, absl::StrCat("exp is after ",
                            absl::FormatTime(absl::RFC3339_sec, latest_expiry, absl::UTCTimeZone()),
                            ", until when the version that signs is published; ask for a shorter "
                            "life, or rotate the key"));
  }
  const absl::string_view problem = StartProblem(found, now);
  return problem.empty() ? absl::OkStatus() : OutOfScope(found, problem);
}

absl::Status CheckClaimRules(const Findings& found) {
  const catalog::ClaimRules& rules = found.key->claim_rules;
  if (rules.subject_required && !found.has_subject) return OutOfScope(found, "sub is missing");
  if (rules.subject_required && found.subject_is_empty) return OutOfScope(found, "sub is empty");
  if (!found.subject_matches) {
    return OutOfScope(found, "sub is not one of the key's subject prefixes with more after it");
  }
  if (rules.jwt_id_required && !found.has_jwt_id) {
    return OutOfScope(found, "jti is missing or empty");
  }
  return absl::OkStatus();
}

absl::Status CheckScope(const Findings& found, absl::Time now, absl::Time latest_expiry) {
  if (!found.issuer_matches) {
    return OutOfScope(found, "iss must be exactly the URL of the key's issuer");
  }
  if (found.audience_count == 0) {
    return OutOfScope(found, found.has_audience ? "aud is empty" : "aud is missing");
  }
  if (!found.audiences_match) {
    return OutOfScope(found, "aud has a value that is not one of the key's audiences");
  }
  if (absl::Status s = CheckTimes(found, now, latest_expiry); !s.ok()) return s;
  return CheckClaimRules(found);
}

}  // namespace

absl::Status CheckClaims(const catalog::Key& key, absl::string_view claims, absl::Time now,
                         absl::Time latest_expiry) {
  if (claims.size() > kMaxClaimsBytes) {
    return Invalid(absl::StrCat("they are over ", kMaxClaimsBytes, " bytes"));
  }
  Findings found;
  found.key = &key;
  const auto error = ScanJsonObject(
      claims, kMaxClaimsDepth,
      [&found](int level, absl::string_view member, const JsonValue& value) -> Refusal {
        if (level == 1) return TakeMember(member, value, found);
        if (member == "aud" && found.audience_is_array) return TakeOneAudience(value, found);
        return std::nullopt;
      });
  if (error) return Invalid(absl::StrCat(error->what, " (byte ", error->offset, ")"));
  return CheckScope(found, now, latest_expiry);
}

}  // namespace sealward::signing
