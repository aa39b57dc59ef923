// The form of claims: if one of these cases changes, a text gets signed that
// two validators read differently, or an honest issuer is turned away.
#include "server/signing/claims.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/errors.h"
#include "tests/unit/signing/claims_fixture.h"

namespace sealward::signing {
namespace {

using namespace std::string_literals;

// In-scope claims with `more` (starting with a comma) added.
std::string With(absl::string_view more) {
  return absl::StrCat(R"({"iss":"https://issuer.example/a","aud":"mail","exp":1700000600)", more,
                      "}");
}

absl::Status Check(absl::string_view claims) { return CheckClaims(TestKey(), claims, kNow); }

void ExpectInvalid(absl::string_view claims) {
  const absl::Status status = Check(claims);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << claims.substr(0, 200) << "\n"
                                                               << status;
  EXPECT_EQ(ErrorReason(status), "CLAIMS_INVALID") << claims.substr(0, 200);
}

TEST(ClaimsForm, AcceptsOrdinaryClaims) {
  for (const std::string& claims : {
           With(""),
           With(R"(,"sub":"user","jti":"1","iat":1700000000,"nbf":1699999999.5)"),
           With(R"(,"scope":["a",{"b":[null,true,false]}],"n":-12.5e-3)"),
           With(R"(,"name":"\u00e9\ud83d\ude00\n\"\\\/")"),
           With(",\"name\":\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""),
           " \t\r\n" + With("") + " \n",
           With(R"(,"issuer":"x","audience":"x","exps":1,"is":1,"IS":2,"xIss":3)"),
           With(R"(,"tiny":1e-400,"denormal":4e-320,"zero":-0,"big":1.7976931348623157e308)"),
           With(R"(,"long":123456789012345678901234567890)"),
           With(R"(,"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":2}])"),
           With(R"(,"":1,"other":{"":1})"),
       }) {
    EXPECT_TRUE(Check(claims).ok()) << claims << "\n" << Check(claims);
  }
}

TEST(ClaimsForm, ResolvesEscapesBeforeItCompares) {
  EXPECT_TRUE(
      Check(R"({"\u0069ss":"https:\/\/issuer.example\/a","a\u0075d":"m\u0061il","exp":1700000600})")
          .ok());
}

TEST(ClaimsForm, RefusesWhatIsNotOneObject) {
  for (const std::string& claims : {
           ""s,
           " "s,
           "{"s,
           "}"s,
           "null"s,
           "[]"s,
           "\"x\""s,
           "1"s,
           With("") + "x",
           With("") + "{}",
           With("") + "\0"s,
           "\0"s + With(""),
           "\xEF\xBB\xBF" + With(""),
           "\xFF\xFE" + With(""),
           "\v" + With(""),
           With(","),
           With(R"(,"a")"),
           With(R"(,"a":)"),
           With(R"(,"a" 1)"),
           With(R"(,a:1)"),
           With(R"(,'a':1)"),
           With(R"(,"a":'b')"),
           With(R"(,"a":[1,])"),
           With(R"(,"a":[1 2])"),
           With(R"(,"a":[)"),
           With(R"(,"a":{"b":1,})"),
           With(R"(,"a":1 /* */)"),
           With(R"(,"a":1 // x)"),
           "{" + With("").substr(1, With("").size() - 2),
           absl::StrReplaceAll(With(""), {{",", ";"}}),
       }) {
    ExpectInvalid(claims);
  }
}

TEST(ClaimsForm, RefusesBadLiteralsAndNumbers) {
  for (const char* value :
       {"True",    "tru", "nul", "nulll", "NaN",     "Infinity", "-Infinity", "undefined",
        "-",       "+1",  "01",  "-01",   "00",      ".5",       "1.",        "1.e3",
        "1e",      "1e+", "1E-", "0x10",  "1_000",   "1e400",    "-1e400",    "1e309",
        "1.8e308", "--1", "1-1", "1.2.3", "\xD9\xA1"}) {
    ExpectInvalid(With(absl::StrCat(",\"a\":", value)));
  }
  ExpectInvalid(With(",\"a\":" + std::string(400, '9')));
}

TEST(ClaimsForm, RefusesBadStrings) {
  for (const std::string& text : {
           "\n"s,
           "\t"s,
           "\x01"s,
           "\x1F"s,
           "\0"s,  // raw control characters
           "\\u0000"s,
           "a\\u0000b"s,  // NUL as an escape
           "\\x41"s,
           "\\'"s,
           "\\"s,
           "\\u"s,
           "\\u12"s,
           "\\u12g4"s,
           "\\U0041"s,
           "\\ud800"s,
           "\\udc00"s,
           "\\ud800x"s,
           "\\ud800\\n"s,
           "\\ud800\\u0041"s,
           "\\ud800\\ud800"s,
           "\\udc00\\ud800"s,
           "\\ud83d\\ude0"s,  // unpaired surrogates
           "\x80"s,
           "\xBF"s,
           "\xC3"s,
           "\xE2\x82"s,
           "\xF0\x9F\x98"s,  // cut off
           "\xC0\xAF"s,
           "\xC1\x81"s,
           "\xE0\x80\xAF"s,
           "\xF0\x80\x80\xAF"s,  // overlong
           "\xED\xA0\x80"s,
           "\xED\xBF\xBF"s,  // surrogates in UTF-8
           "\xF4\x90\x80\x80"s,
           "\xF5\x80\x80\x80"s,
           "\xF8\x88\x80\x80\x80"s,
           "\xFE"s,
           "\xFF"s,
           "\xC3\x28"s,
           "\xE2\x28\xA1"s,
           "\xE2\x82\x28"s,
           "\xF0\x28\x8C\xBC"s,
       }) {
    ExpectInvalid(With(",\"a\":\"" + text + "\""));
    ExpectInvalid(With(",\"" + text + "\":1"));
    ExpectInvalid(With(",\"a\":\"\\n" + text + "\""));  // after an escape: the other loop
  }
  EXPECT_TRUE(Check(With(",\"a\":\"\x7F\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF\"")).ok());
}

TEST(ClaimsForm, RefusesDuplicateMembersAtEveryLevel) {
  for (const std::string& claims : {
           With(R"(,"iss":"https://issuer.example/a")"),
           With(R"(,"\u0069ss":"https://evil.example")"),
           With(R"(,"a\u0075d":"other")"),
           With(R"(,"\u0065\u0078\u0070":9999999999)"),
           With(R"(,"a":1,"a":1)"),
           With(R"(,"a":{"b":1,"b":2})"),
           With(R"(,"a":[[{"b":1,"c":2,"\u0062":3}]])"),
           With(R"(,"":1,"":2)"),
           With(R"(,"\u00e9":1,"é":2)"),
           With(R"(,"\ud83d\ude00":1,"😀":2)"),
           With(R"(,"\/":1,"/":2)"),
       }) {
    ExpectInvalid(claims);
  }
}

// More members than are compared pair by pair: the sorted path.
TEST(ClaimsForm, RefusesDuplicatesAmongManyMembers) {
  std::string many;
  for (int i = 0; i < 4000; ++i) absl::StrAppend(&many, ",\"m", i, "\":0");
  EXPECT_TRUE(Check(With(many)).ok());
  ExpectInvalid(With(many + ",\"m17\":0"));
  ExpectInvalid(With(many + ",\"\\u006d3999\":0"));
  ExpectInvalid(With(many + ",\"i\\u0073s\":0"));
}

// Go's encoding/json and .NET match member names without case: {"aud":"mail",
// "AUD":"payroll"} would be in scope here and a JWT for payroll there.
TEST(ClaimsForm, RefusesNamesThatDifferFromAClaimInCaseOnly) {
  for (const char* name :
       {"ISS", "Iss", "isS", "AUD", "Aud", "aUd", "EXP", "Exp", "NBF", "IAT", "SUB", "JTI",
        "\\u0049ss", "i\u017Fs", "\u0131ss", "\u0130SS", "\\u017fub", "i\\u017f\\u017f"}) {
    ExpectInvalid(With(absl::StrCat(",\"", name, "\":\"x\"")));
  }
  for (const char* name : {"iss\u0307", "\u015Bub", "issu", "is", "\u017F", "au\u00D0"}) {
    EXPECT_TRUE(Check(With(absl::StrCat(",\"", name, "\":\"x\""))).ok()) << name;
  }
  EXPECT_TRUE(Check(With(R"(,"nested":{"ISS":"x","Aud":1})")).ok());
}

TEST(ClaimsForm, LimitsDepth) {
  const auto nested = [](size_t levels) {  // inside the outermost object
    return With(",\"a\":" + std::string(levels, '[') + std::string(levels, ']'));
  };
  EXPECT_TRUE(Check(nested(kMaxClaimsDepth - 1)).ok());
  ExpectInvalid(nested(kMaxClaimsDepth));
  ExpectInvalid(With(",\"a\":" + std::string(30'000, '[')));
  std::string objects;
  for (int i = 0; i < 9'000; ++i) objects += "{\"a\":";
  ExpectInvalid(objects);
}

TEST(ClaimsForm, LimitsSizeExactly) {
  const std::string shell = With(R"(,"a":"")");
  const std::string padding(kMaxClaimsBytes - shell.size(), 'x');
  const std::string exactly = With(",\"a\":\"" + padding + "\"");
  ASSERT_EQ(exactly.size(), kMaxClaimsBytes);
  EXPECT_TRUE(Check(exactly).ok());
  ExpectInvalid(exactly + " ");
}

TEST(ClaimsForm, ChecksTheTypesOfRegisteredClaims) {
  for (const char* claims : {
           R"({"iss":1,"aud":"mail","exp":1700000600})",
           R"({"iss":null,"aud":"mail","exp":1700000600})",
           R"({"iss":["https://issuer.example/a"],"aud":"mail","exp":1700000600})",
           R"({"iss":{"a":"https://issuer.example/a"},"aud":"mail","exp":1700000600})",
           R"({"iss":"https://issuer.example/a","aud":1,"exp":1700000600})",
           R"({"iss":"https://issuer.example/a","aud":{"aud":"mail"},"exp":1700000600})",
           R"({"iss":"https://issuer.example/a","aud":null,"exp":1700000600})",
           R"({"iss":"https://issuer.example/a","aud":["mail",1],"exp":1700000600})",
           R"({"iss":"https://issuer.example/a","aud":["mail",null],"exp":1700000600})",
           R"({"iss":"https://issuer.example/a","aud":["mail",["mail"]],"exp":1700000600})",
           R"({"iss":"https://issuer.example/a","aud":["mail",{"a":"mail"}],"exp":1700000600})",
           R"({"iss":"https://issuer.example/a","aud":"mail","exp":"1700000600"})",
           R"({"iss":"https://issuer.example/a","aud":"mail","exp":true})",
           R"({"iss":"https://issuer.example/a","aud":"mail","exp":null})",
           R"({"iss":"https://issuer.example/a","aud":"mail","exp":[1700000600]})",
           R"({"iss":"https://issuer.example/a","aud":"mail","exp":{}})",
       }) {
    ExpectInvalid(claims);
  }
  for (const char* more :
       {R"(,"sub":1)", R"(,"sub":null)", R"(,"sub":["x"])", R"(,"jti":1)", R"(,"jti":{})",
        R"(,"iat":"1700000000")", R"(,"iat":null)", R"(,"nbf":"0")", R"(,"nbf":false)",
        R"(,"iat":-1)", R"(,"iat":-0.5)", R"(,"nbf":-1e-9)", R"(,"iat":9007199254740994)",
        R"(,"nbf":9.1e15)", R"(,"nbf":1e300)"}) {
    ExpectInvalid(With(more));
  }
}

TEST(ClaimsForm, LimitsTheNumberOfAudiences) {
  const auto claims = [](size_t count) {
    std::string list = "\"mail\"";
    for (size_t i = 1; i < count; ++i) list += ",\"mail\"";
    return absl::StrCat(R"({"iss":"https://issuer.example/a","exp":1700000600,"aud":[)", list,
                        "]}");
  };
  EXPECT_TRUE(Check(claims(kMaxAudiences)).ok());
  ExpectInvalid(claims(kMaxAudiences + 1));
}

// A message goes to the caller and into logs; claim values are personal data.
TEST(ClaimsForm, MessagesNameTheRuleAndNeverTheValue) {
  for (
      const char* claims : {
          R"({"iss":"https://secret.example","aud":"mail","exp":1700000600})",
          R"({"iss":"https://issuer.example/a","aud":"secret","exp":1700000600})",
          R"({"iss":"https://issuer.example/a","aud":["secret",1],"exp":1700000600})",
          R"({"iss":"https://issuer.example/a","aud":"mail","exp":1700000600,"secret":1,"secret":2})",
          R"({"secret)",
      }) {
    const absl::Status status = Check(claims);
    EXPECT_FALSE(status.ok());
    EXPECT_FALSE(absl::StrContains(status.message(), "secret")) << status;
  }
}

}  // namespace
}  // namespace sealward::signing
