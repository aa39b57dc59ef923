// The key whose scope the claims tests judge by.
#ifndef SEALWARD_TESTS_UNIT_SIGNING_CLAIMS_FIXTURE_H_
#define SEALWARD_TESTS_UNIT_SIGNING_CLAIMS_FIXTURE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/catalog/snapshot.h"

namespace sealward::signing {

inline constexpr char kIssuerUrl[] = "https://issuer.example/a";
inline constexpr int64_t kNowSeconds = 1'700'000'000;
inline const absl::Time kNow = absl::FromUnixSeconds(kNowSeconds);

inline catalog::Key TestKey(std::vector<std::string> audiences = {"mail", "calendar"}) {
  auto issuer = std::make_shared<catalog::Issuer>();
  issuer->name = "tenants/a/issuers/i";
  issuer->issuer_url = kIssuerUrl;
  catalog::Key key;
  key.name = "tenants/a/keys/k";
  key.issuer = issuer;
  key.audiences = std::move(audiences);
  key.typs = {"JWT"};
  key.max_jwt_lifetime = absl::Hours(1);
  return key;
}

// TestKey with rules for sub and jti; one prefix is part of the other, and one
// needs escapes in JSON that is ASCII only.
inline catalog::Key KeyWithClaimRules() {
  catalog::Key key = TestKey();
  key.claim_rules.subject_required = true;
  key.claim_rules.subject_prefixes = {"user:", "user:admin:", "svc/\u00e9\U0001f600"};
  key.claim_rules.jwt_id_required = true;
  return key;
}

}  // namespace sealward::signing

#endif  // SEALWARD_TESTS_UNIT_SIGNING_CLAIMS_FIXTURE_H_
