#include "server/signing/claims.h"

#include <algorithm>
#include <array>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
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

Refusal TakeText(const JsonValue& value, Findings& /*found*/) {
  if (value.kind != Kind::kString) return "sub and jti must be strings";
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
    Claim{"sub", TakeText},
    Claim{"exp", TakeTime<&Findings::expires>},
    Claim{"iat", TakeTime<&Findings::issued_at>},
    Claim{"nbf", TakeTime<&Findings::not_before>},
    Claim{"jti", TakeText},
};
constexpr size_t kClaimNameLength = 3;  // of all of them

// The letter of a claim name that the character at `at` folds to; moves past
// it. Besides ASCII: U+017F (long s), which Go's encoding/json takes for an s,
// and U+0130 and U+0131 (i with and without dot), which upper-casing libraries
// take for an i.
char FoldOne(absl::string_view name, size_t& at) {
  const auto c = static_cast<unsigned char>(name[at]);
  if (c < 0x80) {
    ++at;
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  const absl::string_view pair = name.substr(at, 2);
  at += 2;
  if (pair == "\u017F") return 's';
  if (pair == "\u0130" || pair == "\u0131") return 'i';
  at = name.size();
  return '\0';
}

// Whether a parser that ignores case reads `name` as a registered claim.
// REQUIRES: it is none exactly, and it is valid UTF-8.
bool LooksLikeClaim(absl::string_view name) {
  if (name.size() < kClaimNameLength || name.size() > 2 * kClaimNameLength) return false;
  std::array<char, kClaimNameLength> folded{};
  size_t at = 0;
  for (char& c : folded) {
    if (at >= name.size()) return false;
    c = FoldOne(name, at);
  }
  if (at != name.size()) return false;
  const absl::string_view text(folded.data(), folded.size());
  return std::any_of(kClaims.begin(), kClaims.end(),
                     [text](const Claim& claim) { return claim.name == text; });
}

Refusal TakeMember(absl::string_view name, const JsonValue& value, Findings& found) {
  if (name.size() == kClaimNameLength) {
    for (const Claim& claim : kClaims) {
      if (claim.name == name) return claim.take(value, found);
    }
  }
  if (LooksLikeClaim(name)) {
    return "a member name differs from a registered claim in case only; some validators would "
           "read it as that claim";
  }
  return std::nullopt;
}

absl::Status Invalid(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "CLAIMS_INVALID",
                   absl::StrCat("the claims were refused: ", what));
}

absl::Status OutOfScope(const Findings& found, absl::string_view what) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "CLAIMS_OUT_OF_SCOPE",
      absl::StrCat("the claims are outside the scope of ", found.key->name, ": ", what));
}

absl::Status CheckTimes(const Findings& found, absl::Time now) {
  const auto at = [](double seconds) { return absl::UnixEpoch() + absl::Seconds(seconds); };
  if (!found.expires) return OutOfScope(found, "exp is missing");
  if (at(*found.expires) <= now) return OutOfScope(found, "exp is not in the future");
  if (at(*found.expires) - now > found.key->max_jwt_lifetime) {
    return OutOfScope(found, absl::StrCat("exp is further away than the key's longest JWT "
                                          "lifetime, ",
                                          absl::FormatDuration(found.key->max_jwt_lifetime)));
  }
  if (found.not_before && at(*found.not_before) - now > kMaxFutureStart) {
    return OutOfScope(found, "nbf is more than 5 minutes in the future");
  }
  if (found.issued_at && at(*found.issued_at) - now > kMaxFutureStart) {
    return OutOfScope(found, "iat is more than 5 minutes in the future");
  }
  if (found.not_before && *found.not_before >= *found.expires) {
    return OutOfScope(found, "nbf is not before exp");
  }
  return absl::OkStatus();
}

absl::Status CheckScope(const Findings& found, absl::Time now) {
  if (!found.issuer_matches) {
    return OutOfScope(found, "iss must be exactly the URL of the key's issuer");
  }
  if (found.audience_count == 0) {
    return OutOfScope(found, found.has_audience ? "aud is empty" : "aud is missing");
  }
  if (!found.audiences_match) {
    return OutOfScope(found, "aud has a value that is not one of the key's audiences");
  }
  return CheckTimes(found, now);
}

}  // namespace

absl::Status CheckClaims(const catalog::Key& key, absl::string_view claims, absl::Time now) {
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
  return CheckScope(found, now);
}

}  // namespace sealward::signing
