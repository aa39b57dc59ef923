// Whatever bytes a caller sends as claims: no crash, and what is accepted means
// to nlohmann's parser exactly what the key's scope allows.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "server/signing/claims.h"
#include "tests/unit/signing/claims_fixture.h"

namespace {

using nlohmann::json;

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "accepted claims that are wrong for another parser: %s\n", what);
  std::abort();
}

void Require(bool condition, const char* what) {
  if (!condition) Fail(what);
}

// Parses, and fails on a member that occurs twice in one object.
json ParseStrictly(const std::string& text) {
  std::vector<std::set<std::string>> names;
  const auto watch = [&names](int, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) names.emplace_back();
    if (event == json::parse_event_t::object_end) names.pop_back();
    if (event == json::parse_event_t::key) {
      Require(names.back().insert(value.get<std::string>()).second, "a duplicate member");
    }
    return true;
  };
  return json::parse(text, watch, /*allow_exceptions=*/false);
}

// The value of a claim that is a string; empty if it is not there.
std::string TextOf(const json& claims, const char* name) {
  return claims.contains(name) ? claims[name].get<std::string>() : "";
}

void CheckClaimRules(const json& claims, const sealward::catalog::ClaimRules& rules) {
  const std::string subject = TextOf(claims, "sub");
  if (rules.subject_required) Require(!subject.empty(), "sub");
  if (rules.jwt_id_required) Require(!TextOf(claims, "jti").empty(), "jti");
  if (rules.subject_prefixes.empty() || !claims.contains("sub")) return;
  Require(std::any_of(rules.subject_prefixes.begin(), rules.subject_prefixes.end(),
                      [&subject](const std::string& prefix) {
                        return subject.size() > prefix.size() &&
                               subject.compare(0, prefix.size(), prefix) == 0;
                      }),
          "sub");
}

void CheckAccepted(const std::string& text, const sealward::catalog::Key& key) {
  const json claims = ParseStrictly(text);
  Require(!claims.is_discarded() && claims.is_object(), "not an object");
  const double now = static_cast<double>(sealward::signing::kNowSeconds);
  Require(claims.contains("iss") && claims["iss"] == key.issuer->issuer_url, "iss");
  Require(claims.contains("exp") && claims["exp"].is_number(), "exp");
  const double expires = claims["exp"].get<double>();
  Require(expires > now && expires <= now + absl::ToDoubleSeconds(key.max_jwt_lifetime), "exp");
  Require(claims.contains("aud"), "aud");
  const json audiences = claims["aud"].is_array() ? claims["aud"] : json::array({claims["aud"]});
  Require(!audiences.empty(), "aud");
  for (const json& audience : audiences) {
    Require(audience.is_string(), "aud");
    Require(
        std::count(key.audiences.begin(), key.audiences.end(), audience.get<std::string>()) == 1,
        "aud");
  }
  for (const char* name : {"nbf", "iat"}) {
    if (!claims.contains(name)) continue;
    const json& time = claims[name];
    Require(time.is_number() && time.get<double>() >= 0 && time.get<double>() <= now + 300 &&
                time.get<double>() < expires,
            name);
  }
  for (const char* name : {"sub", "jti"}) {
    if (claims.contains(name)) Require(claims[name].is_string(), name);
  }
  CheckClaimRules(claims, key.claim_rules);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const sealward::catalog::Key plain = sealward::signing::TestKey();
  static const sealward::catalog::Key strict = sealward::signing::KeyWithClaimRules();
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const auto* key : {&plain, &strict}) {
    if (sealward::signing::CheckClaims(*key, text, sealward::signing::kNow).ok()) {
      CheckAccepted(text, *key);
    }
  }
  return 0;
}
