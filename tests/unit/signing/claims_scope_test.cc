// The scope of claims: if one of these cases changes, a key signs for an
// issuer, an audience or a time that it was not created for. That is what
// Storm-0558's consumer key could do.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/signing/claims.h"
#include "tests/unit/signing/claims_fixture.h"

namespace sealward::signing {
namespace {

constexpr char kIss[] = R"("iss":"https://issuer.example/a")";
constexpr char kAud[] = R"("aud":"mail")";
constexpr char kExp[] = R"("exp":1700000600)";

std::string Claims(absl::string_view iss, absl::string_view aud, absl::string_view exp,
                   absl::string_view more = "") {
  return absl::StrCat("{", iss, ",", aud, ",", exp, more, "}");
}

void ExpectOutOfScope(absl::string_view claims) {
  const absl::Status status = CheckClaims(TestKey(), claims, kNow);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << claims << "\n" << status;
  EXPECT_EQ(ErrorReason(status), "CLAIMS_OUT_OF_SCOPE") << claims;
}

void ExpectOk(absl::string_view claims) {
  const absl::Status status = CheckClaims(TestKey(), claims, kNow);
  EXPECT_TRUE(status.ok()) << claims << "\n" << status;
}

TEST(ClaimsScope, IssuerIsExactlyTheUrl) {
  ExpectOk(Claims(kIss, kAud, kExp));
  ExpectOutOfScope(Claims(R"("sub":"x")", kAud, kExp));
  for (const char* iss :
       {"", "https://issuer.example/A", "https://issuer.example/a/", "https://issuer.example",
        "https://issuer.example/ab", "http://issuer.example/a", " https://issuer.example/a",
        "https://issuer.example/a ", "https://issuer.example/%61"}) {
    ExpectOutOfScope(Claims(absl::StrCat("\"iss\":\"", iss, "\""), kAud, kExp));
  }
  ExpectOutOfScope(Claims(R"("nested":{"iss":"https://issuer.example/a"})", kAud, kExp));
}

TEST(ClaimsScope, EveryAudienceIsOneOfTheKeys) {
  for (const char* aud : {R"("aud":"calendar")", R"("aud":["mail"])",
                          R"("aud":["calendar","mail"])", R"("aud":["mail","mail"])"}) {
    ExpectOk(Claims(kIss, aud, kExp));
  }
  for (const char* aud :
       {R"("x":"mail")", R"("aud":[])", R"("aud":"")", R"("aud":"payroll")", R"("aud":"MAIL")",
        R"("aud":["mail","payroll"])", R"("aud":["payroll","mail"])", R"("aud":[""])",
        R"("aud":"mail calendar")", R"("nested":{"aud":"mail"})"}) {
    ExpectOutOfScope(Claims(kIss, aud, kExp));
  }
}

TEST(ClaimsScope, AKeyWithoutAudiencesSignsNothing) {
  const auto status = CheckClaims(TestKey({}), Claims(kIss, kAud, kExp), kNow);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST(ClaimsScope, ExpiryLiesInTheKeysLifetime) {
  for (const char* exp :
       {"1700000001", "1700003600", "1700000000.5", "1.7000006e9", "17000006E2", "1700003600.0"}) {
    ExpectOk(Claims(kIss, kAud, absl::StrCat("\"exp\":", exp)));
  }
  for (const char* exp : {"1700000000", "1699999999.9", "0", "-0", "1e-400", "1700003601",
                          "1700003600.5", "1e15", "9007199254740992"}) {
    ExpectOutOfScope(Claims(kIss, kAud, absl::StrCat("\"exp\":", exp)));
  }
  ExpectOutOfScope(Claims(kIss, kAud, R"("x":1)"));
  ExpectOutOfScope(Claims(kIss, kAud, R"("x":{"exp":1700000600})"));
}

TEST(ClaimsScope, StartLiesAtMostFiveMinutesAhead) {
  for (const char* more : {R"(,"nbf":1700000300)", R"(,"iat":1700000300)", R"(,"nbf":0)",
                           R"(,"nbf":-0)", R"(,"nbf":1700000299.75)"}) {
    ExpectOk(Claims(kIss, kAud, kExp, more));
  }
  for (const char* more : {R"(,"nbf":1700000301)", R"(,"iat":1700000301)", R"(,"iat":1e15)",
                           R"(,"nbf":9007199254740992)", R"(,"iat":1700000300.5)"}) {
    ExpectOutOfScope(Claims(kIss, kAud, kExp, more));
  }
}

TEST(ClaimsScope, NotBeforeIsBeforeExpiry) {
  ExpectOk(Claims(kIss, kAud, R"("exp":1700000100)", R"(,"nbf":1700000099)"));
  ExpectOutOfScope(Claims(kIss, kAud, R"("exp":1700000100)", R"(,"nbf":1700000100)"));
  ExpectOutOfScope(Claims(kIss, kAud, R"("exp":1700000100)", R"(,"nbf":1700000101)"));
}

// A validator that goes by the age of a JWT (exp - iat, or now - iat) must not
// read more life in it than the key allows; a JWT issued after its end is none.
TEST(ClaimsScope, IssueIsBeforeExpiryAndNotLongAgo) {
  // The key's hour and 5 minutes before exp, which is 600 s ahead.
  for (const char* more : {R"(,"iat":1700000000)", R"(,"iat":1699999000)", R"(,"iat":1699996700)",
                           R"(,"iat":1700000299,"nbf":0)"}) {
    ExpectOk(Claims(kIss, kAud, kExp, more));
  }
  for (const char* more : {R"(,"iat":0)", R"(,"iat":-0)", R"(,"iat":1699996699)",
                           R"(,"iat":1699996699.75)", R"(,"nbf":0,"iat":1e9)"}) {
    ExpectOutOfScope(Claims(kIss, kAud, kExp, more));
  }
  ExpectOk(Claims(kIss, kAud, R"("exp":1700000100)", R"(,"iat":1700000099)"));
  ExpectOutOfScope(Claims(kIss, kAud, R"("exp":1700000100)", R"(,"iat":1700000100)"));
  ExpectOutOfScope(Claims(kIss, kAud, R"("exp":1700000100)", R"(,"iat":1700000200)"));
}

// Malformed beats out of scope, wherever in the text it stands.
TEST(ClaimsScope, TheWholeTextIsReadBeforeTheScopeIsJudged) {
  const auto status = CheckClaims(
      TestKey(), Claims(R"("iss":"https://evil.example")", kAud, kExp, R"(,"a":1,"a":2)"), kNow);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
}

}  // namespace
}  // namespace sealward::signing
