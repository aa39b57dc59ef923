// The rules that a key may have for sub and jti: if one of these cases changes, a
// key that was made for some subjects signs for others (an administrator, say),
// or JWTs go out that cannot be told apart.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/signing/claims.h"
#include "tests/unit/signing/claims_fixture.h"

namespace sealward::signing {
namespace {

// In-scope claims with `more` (starting with a comma) added.
std::string With(absl::string_view more) {
  return absl::StrCat(R"({"iss":"https://issuer.example/a","aud":"mail","exp":1700000600)", more,
                      "}");
}

catalog::Key KeyWith(catalog::ClaimRules rules) {
  catalog::Key key = TestKey();
  key.claim_rules = std::move(rules);
  return key;
}

void ExpectOk(const catalog::Key& key, absl::string_view more) {
  const absl::Status status = CheckClaims(key, With(more), kNow);
  EXPECT_TRUE(status.ok()) << more << "\n" << status;
}

void ExpectOutOfScope(const catalog::Key& key, absl::string_view more, absl::string_view claim) {
  const absl::Status status = CheckClaims(key, With(more), kNow);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << more << "\n" << status;
  EXPECT_EQ(ErrorReason(status), "CLAIMS_OUT_OF_SCOPE") << more;
  EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat(": ", claim, " "))) << status;
}

TEST(ClaimRules, WithoutRulesSubjectAndIdAreFree) {
  for (const char* more : {"", R"(,"sub":"","jti":"")", R"(,"sub":"anybody")"}) {
    ExpectOk(TestKey(), more);
  }
}

TEST(ClaimRules, ARequiredSubjectIsThereAndNotEmpty) {
  const catalog::Key key = KeyWith({.subject_required = true});
  ExpectOk(key, R"(,"sub":"x")");
  ExpectOk(key, R"(,"sub":"\u0020")");
  for (const char* more : {"", R"(,"sub":"")", R"(,"nested":{"sub":"x"})", R"(,"subject":"x")",
                           R"(,"jti":"x")", R"(,"a":["sub","x"])"}) {
    ExpectOutOfScope(key, more, "sub");
  }
}

TEST(ClaimRules, ARequiredIdIsThereAndNotEmpty) {
  const catalog::Key key = KeyWith({.jwt_id_required = true});
  ExpectOk(key, R"(,"jti":"x")");
  for (const char* more : {"", R"(,"jti":"")", R"(,"nested":{"jti":"x"})", R"(,"sub":"x")"}) {
    ExpectOutOfScope(key, more, "jti");
  }
}

TEST(ClaimRules, ASubjectIsAPrefixAndMore) {
  const catalog::Key key = KeyWith({.subject_prefixes = {"user:", "svc/"}});
  for (const char* more :
       {"", R"(,"sub":"user:a")", R"(,"sub":"svc/a")", R"(,"sub":"user:user:")", R"(,"jti":"")"}) {
    ExpectOk(key, more);
  }
  for (const char* more :
       {R"(,"sub":"")", R"(,"sub":"user:")", R"(,"sub":"svc/")", R"(,"sub":"user")",
        R"(,"sub":"User:a")", R"(,"sub":" user:a")", R"(,"sub":"a user:a")", R"(,"sub":"svc:a")",
        R"(,"sub":"admin","nested":{"sub":"user:a"})"}) {
    ExpectOutOfScope(key, more, "sub");
  }
}

// What counts is what a validator reads, not how it is spelled.
TEST(ClaimRules, TheResolvedStringIsCompared) {
  const catalog::Key key = KeyWithClaimRules();
  for (const char* sub : {R"(\u0075ser:a)", R"(u\u0073er\u003aa)", R"(svc\/\u00e9\ud83d\ude00x)",
                          "svc/\xC3\xA9\xF0\x9F\x98\x80x"}) {
    ExpectOk(key, absl::StrCat(R"(,"jti":"1","sub":")", sub, "\""));
    ExpectOk(key, absl::StrCat(R"(,"j\u0074i":"\u0031","\u0073ub":")", sub, "\""));
  }
  for (const char* sub :
       {R"(\\u0075ser:a)", R"(\u0055ser:a)", R"(user\u00e9:a)", R"(svc\/e\u0301\ud83d\ude00x)",
        R"(svc\/\u00e9\ud83d\ude00)", R"(svc\\/\u00e9\ud83d\ude00x)", R"(\u0075ser:)"}) {
    ExpectOutOfScope(key, absl::StrCat(R"(,"jti":"1","sub":")", sub, "\""), "sub");
  }
}

TEST(ClaimRules, ALongerPrefixDoesNotTakeAwayFromAShorterOne) {
  ExpectOk(KeyWithClaimRules(), R"(,"jti":"1","sub":"user:admin:")");
}

// Subjects are people.
TEST(ClaimRules, MessagesNameTheRuleAndNeverTheValue) {
  for (const char* more : {R"(,"sub":"secret","jti":"1")", R"(,"sub":"user:secret")"}) {
    const absl::Status status = CheckClaims(KeyWithClaimRules(), With(more), kNow);
    EXPECT_EQ(ErrorReason(status), "CLAIMS_OUT_OF_SCOPE");
    EXPECT_FALSE(absl::StrContains(status.message(), "secret")) << status;
    EXPECT_FALSE(absl::StrContains(status.message(), "user:")) << status;
  }
}

}  // namespace
}  // namespace sealward::signing
