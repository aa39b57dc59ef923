// Reads one base64url text a line and answers each with a line of JSON: whether
// CheckClaims accepts it, and what the scanner read as iss, aud and exp. Driven
// by claims_differential.mjs.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "common/base64url.h"
#include "server/signing/claims.h"
#include "server/signing/strict_json.h"
#include "tests/unit/signing/claims_fixture.h"

namespace {

using sealward::signing::JsonValue;

nlohmann::json Probe(const std::string& claims) {
  nlohmann::json answer;
  answer["accepted"] =
      sealward::signing::CheckClaims(sealward::signing::TestKey(), claims, sealward::signing::kNow)
          .ok();
  auto audiences = nlohmann::json::array();
  const auto error = sealward::signing::ScanJsonObject(
      claims, sealward::signing::kMaxClaimsDepth,
      [&](int level, absl::string_view member,
          const JsonValue& value) -> std::optional<absl::string_view> {
        if (value.kind == JsonValue::Kind::kString && member == "aud") {
          audiences.push_back(std::string(value.text));
        } else if (level == 1 && value.kind == JsonValue::Kind::kString && member == "iss") {
          answer["iss"] = std::string(value.text);
        } else if (level == 1 && value.kind == JsonValue::Kind::kNumber && member == "exp") {
          answer["exp"] = value.number;
        }
        return std::nullopt;
      });
  answer["scanned"] = !error.has_value();
  answer["aud"] = std::move(audiences);
  return answer;
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto claims = sealward::Base64UrlDecode(line);
    if (!claims) return 2;
    std::cout << Probe(*claims).dump() << '\n';
  }
  return 0;
}
