#include "server/api/issuer_rules.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/errors.h"
#include "server/lifecycle/profiles.h"

namespace sealward::api {
namespace {

constexpr absl::string_view kScheme = "https://";
constexpr size_t kMaxHostBytes = 253;
constexpr size_t kMaxLabelBytes = 63;
constexpr int kDefaultPort = 443;
constexpr int kMaxPort = 65'535;
// RFC 3986 pchar besides letters, digits and percent-encodings.
constexpr absl::string_view kPathPunctuation = "-._~!$&'()*+,;=:@";

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

bool IsHostCharacter(char c) { return (c >= 'a' && c <= 'z') || IsDigit(c) || c == '-'; }

bool IsHost(absl::string_view host) {
  if (host.size() > kMaxHostBytes) return false;
  const std::vector<absl::string_view> labels = absl::StrSplit(host, '.');
  return std::all_of(labels.begin(), labels.end(), [](absl::string_view label) {
    return !label.empty() && label.size() <= kMaxLabelBytes && label.front() != '-' &&
           label.back() != '-' && std::all_of(label.begin(), label.end(), IsHostCharacter);
  });
}

bool IsPort(absl::string_view port) {
  int number = 0;
  return !port.empty() && port.front() != '0' && std::all_of(port.begin(), port.end(), IsDigit) &&
         absl::SimpleAtoi(port, &number) && number <= kMaxPort && number != kDefaultPort;
}

bool IsPathSegment(absl::string_view segment) {
  if (segment == "." || segment == "..") return false;
  for (size_t i = 0; i < segment.size(); ++i) {
    const char c = segment[i];
    if (c == '%') {
      // Upper case, so that one path has one spelling (RFC 3986 section 6.2.2.1).
      const auto is_hex = [](char h) { return IsDigit(h) || (h >= 'A' && h <= 'F'); };
      if (segment.size() - i < 3 || !is_hex(segment[i + 1]) || !is_hex(segment[i + 2])) {
        return false;
      }
      i += 2;
    } else if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) &&
               !absl::StrContains(kPathPunctuation, c)) {
      return false;
    }
  }
  return true;
}

// REQUIRES: empty, or starts with a slash. One slash may end it.
bool IsPath(absl::string_view path) {
  if (path.empty()) return true;
  const std::vector<absl::string_view> segments = absl::StrSplit(path.substr(1), '/');
  for (size_t i = 0; i < segments.size(); ++i) {
    if (segments[i].empty() && i + 1 < segments.size()) return false;
    if (!IsPathSegment(segments[i])) return false;
  }
  return true;
}

absl::Status BadUrl(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "ISSUER_URL_INVALID",
                   absl::StrCat("issuer.issuer_url: ", what,
                                "; a good one is https://login.example.com/tenant-a"));
}

absl::Status BadPromise(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "CACHE_PROMISE_INVALID",
                   absl::StrCat("issuer.", what));
}

}  // namespace

absl::Status CheckIssuerUrl(absl::string_view url) {
  if (url.size() > kMaxIssuerUrlBytes) return BadUrl("it is over 512 bytes");
  if (!absl::ConsumePrefix(&url, kScheme)) return BadUrl("it must start with https://");
  if (url.find_first_of("?#") != absl::string_view::npos) {
    return BadUrl("it must have neither query nor fragment");
  }
  const size_t slash = std::min(url.find('/'), url.size());
  const std::vector<absl::string_view> authority =
      absl::StrSplit(url.substr(0, slash), absl::MaxSplits(':', 1));
  if (!IsHost(authority[0])) return BadUrl("its host must be a name in lower case");
  if (authority.size() == 2 && !IsPort(authority[1])) {
    return BadUrl("its port must be a number, and left out where it is 443");
  }
  if (!IsPath(url.substr(slash))) {
    return BadUrl(
        "its path must be in normal form: no empty, . or .. segments, only characters "
        "that a path may hold");
  }
  return absl::OkStatus();
}

std::optional<absl::Duration> ParseSeconds(const google::protobuf::Duration& message,
                                           absl::Duration least, absl::Duration most) {
  if (message.nanos() != 0) return std::nullopt;
  const absl::Duration duration = absl::Seconds(message.seconds());
  if (duration < least || duration > most) return std::nullopt;
  return duration;
}

absl::StatusOr<catalog::Issuer> ParseIssuer(const v1::Issuer& message) {
  catalog::Issuer issuer;
  issuer.issuer_url = message.issuer_url();
  issuer.shared = message.shared();
  if (absl::Status s = CheckIssuerUrl(issuer.issuer_url); !s.ok()) return s;
  return ChangedIssuer(issuer, message,
                       {"max_age", "propagation_time", "validator_profile", "max_jwks_keys"});
}

absl::StatusOr<catalog::Issuer> ChangedIssuer(const catalog::Issuer& seen,
                                              const v1::Issuer& message,
                                              const std::set<std::string>& fields) {
  catalog::Issuer issuer = seen;
  if (fields.contains("max_age")) {
    issuer.max_age = kDefaultMaxAge;
    if (message.has_max_age()) {
      const auto max_age = ParseSeconds(message.max_age(), absl::Seconds(1), kLongestMaxAge);
      if (!max_age) return BadPromise("max_age must be whole seconds, from 1 s to 24 h");
      issuer.max_age = *max_age;
    }
  }
  if (fields.contains("validator_profile")) {
    if (!v1::ValidatorProfile_IsValid(message.validator_profile())) {
      return BadPromise("validator_profile is not one that Sealward knows");
    }
    issuer.validator_profile = message.validator_profile();
    if (issuer.validator_profile == v1::VALIDATOR_PROFILE_UNSPECIFIED) {
      issuer.validator_profile = v1::VALIDATOR_PROFILE_DEFAULT;
    }
  }
  if (fields.contains("propagation_time")) {
    issuer.propagation_time = lifecycle::PropagationTime(
        lifecycle::FindProfile(static_cast<lifecycle::Profile>(issuer.validator_profile)),
        issuer.max_age);
    if (message.has_propagation_time()) {
      const auto time =
          ParseSeconds(message.propagation_time(), absl::Seconds(1), kLongestPropagationTime);
      if (!time) return BadPromise("propagation_time must be whole seconds, at most 30 days");
      issuer.propagation_time = *time;
    }
  }
  if (issuer.propagation_time < issuer.max_age) {
    return BadPromise(
        "propagation_time must be at least max_age: no key may sign before every cache has "
        "refetched");
  }
  if (fields.contains("max_jwks_keys")) {
    const int most = message.max_jwks_keys();
    if (most != 0 && (most < kLeastJwksKeys || most > kMostJwksKeys)) {
      return BadPromise("max_jwks_keys must be 3 to 100, or 0 for the validator profile's");
    }
    issuer.max_jwks_keys = most;
  }
  return issuer;
}

}  // namespace sealward::api
