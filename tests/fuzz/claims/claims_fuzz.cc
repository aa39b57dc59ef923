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
    Require(claims[name].is_number() && claims[name].get<double>() >= 0 &&
                claims[name].get<double>() <= now + 300,
            name);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const sealward::catalog::Key key = sealward::signing::TestKey();
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (sealward::signing::CheckClaims(key, text, sealward::signing::kNow).ok()) {
    CheckAccepted(text, key);
  }
  return 0;
}
