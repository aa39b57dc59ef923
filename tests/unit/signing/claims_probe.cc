// Reads one base64url text a line and answers each with a line of JSON: whether
// CheckClaims accepts it, what the scanner read as iss, aud, exp, sub and jti, and
// the payload that the signer would make of it. Driven by
// claims_differential.mjs.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "common/base64url.h"
#include "server/signing/claims.h"
#include "server/signing/strict_json.h"
#include "tests/unit/signing/claims_fixture.h"

namespace {

using sealward::signing::CheckClaims;
using sealward::signing::JsonValue;

// Whether the claims are one well-formed object, and what they say.
void Scan(const std::string& claims, nlohmann::json& answer) {
  auto audiences = nlohmann::json::array();
  const auto error = sealward::signing::ScanJsonObject(
      claims, sealward::signing::kMaxClaimsDepth,
      [&](int level, absl::string_view member,
          const JsonValue& value) -> std::optional<absl::string_view> {
        const std::string name(member);
        if (value.kind == JsonValue::Kind::kString && name == "aud") {
          audiences.push_back(std::string(value.text));
        } else if (level != 1) {
          return std::nullopt;
        } else if (value.kind == JsonValue::Kind::kString &&
                   (name == "iss" || name == "sub" || name == "jti")) {
          answer[name] = std::string(value.text);
        } else if (value.kind == JsonValue::Kind::kNumber && name == "exp") {
          answer[name] = value.number;
        }
        return std::nullopt;
      });
  answer["scanned"] = !error.has_value();
  answer["aud"] = std::move(audiences);
}

nlohmann::json Probe(const std::string& line) {
  using sealward::signing::kNow;
  static const sealward::catalog::Key plain = sealward::signing::TestKey();
  static const sealward::catalog::Key strict = sealward::signing::KeyWithClaimRules();
  const auto claims = sealward::Base64UrlDecode(line);
  nlohmann::json answer = {{"decoded", claims.has_value()}};
  if (!claims) return answer;
  answer["accepted"] = CheckClaims(plain, *claims, kNow).ok();
  answer["strict"] = CheckClaims(strict, *claims, kNow).ok();
  if (answer["accepted"]) answer["payload"] = sealward::Base64UrlEncode(*claims);
  Scan(*claims, answer);
  return answer;
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) std::cout << Probe(line).dump() << '\n';
  return 0;
}
