// The strict reading of ready signing inputs. If these go, a header means one thing to us and
// another to a validator.
#include "server/signing/signing_input.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "common/errors.h"

namespace sealward::signing {
namespace {

constexpr char kHeader[] = R"({"alg":"ES256","kid":"k"})";

std::string Input(absl::string_view header, absl::string_view claims = "{}") {
  return absl::StrCat(Base64UrlEncode(header), ".", Base64UrlEncode(claims));
}

std::string Reason(const std::string& input) {
  return ErrorReason(ReadSigningInput(input).status());
}

TEST(SigningInputTest, ReadsHeaderAndClaims) {
  const auto read =
      ReadSigningInput(Input(R"({"typ":"at+jwt","alg":"PS256","kid":"\u006b1"})", "c"));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->header.alg, "PS256");
  EXPECT_EQ(read->header.kid, "k1");
  EXPECT_EQ(read->header.typ, "at+jwt");
  EXPECT_EQ(read->claims, "c");
  EXPECT_FALSE(ReadSigningInput(Input(kHeader))->header.typ.has_value());
}

TEST(SigningInputTest, IsTwoPartsOfCanonicalBase64Url) {
  const std::string good = Input(kHeader);
  ASSERT_EQ(Reason(good), "");
  const std::string header = Base64UrlEncode(kHeader);
  for (const std::string& bad :
       {std::string(), std::string("."), header, header + "..", "." + header, good + ".",
        good + ".sig", header + "=.e30", header + ".e30=", header + ".e3 0", header + ".e31",
        header + ".e30\n", " " + good, header + ".e+0", header + "A.e30"}) {
    EXPECT_EQ(Reason(bad), "SIGNING_INPUT_INVALID") << bad;
  }
}

TEST(SigningInputTest, TheHeaderIsOneObjectOfStrings) {
  for (const char* bad : {"",
                          "{}",
                          "[]",
                          "null",
                          R"("alg")",
                          R"({"alg":"ES256"})",
                          R"({"kid":"k"})",
                          R"({"alg":"ES256","kid":"k"}{})",
                          R"({"alg":"ES256","kid":"k"} x)",
                          R"({"alg":"ES256","kid":"k","kid":"k"})",
                          R"({"alg":"ES256","kid":"k","k\u0069d":"k"})",
                          R"({"alg":"ES256","kid":7})",
                          R"({"alg":["ES256"],"kid":"k"})",
                          R"({"alg":"ES256","kid":{"a":"b"}})",
                          R"({"alg":"ES256","kid":null})",
                          R"( {"alg":"ES256","kid":"k"})",
                          "{\"alg\":\"ES256\",\"kid\":\"k\"}\n",
                          R"({"alg":"ES256","kid":"k\u0000"})",
                          "\xef\xbb\xbf{\"alg\":\"ES256\",\"kid\":\"k\"}",
                          "{\"alg\":\"ES256\",\"kid\":\"\xff\"}",
                          R"({'alg':'ES256','kid':'k'})"}) {
    EXPECT_EQ(Reason(Input(bad)), "SIGNING_INPUT_INVALID") << bad;
  }
}

// RFC 8725 section 3: what tells a validator to fetch or trust another key, or to read the
// payload in another way.
TEST(SigningInputTest, NoOtherParameterStandsInIt) {
  for (const char* name : {"jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64", "zip",
                           "cty", "nonce", "ALG", "iss", ""}) {
    EXPECT_EQ(Reason(Input(absl::StrCat(R"({"alg":"ES256","kid":"k",")", name, R"(":"v"})"))),
              "SIGNING_INPUT_INVALID")
        << name;
  }
}

TEST(SigningInputTest, HasLimits) {
  const std::string long_kid(kMaxHeaderBytes, 'k');
  EXPECT_EQ(Reason(Input(absl::StrCat(R"({"alg":"ES256","kid":")", long_kid, R"("})"))),
            "SIGNING_INPUT_INVALID");
  EXPECT_EQ(Reason(Input(kHeader, std::string(kMaxSigningInputBytes, 'c'))),
            "SIGNING_INPUT_INVALID");
  EXPECT_EQ(Reason(Input(kHeader, std::string(65'536, 'c'))), "");
}

// An input is a caller's, perhaps another tenant's token.
TEST(SigningInputTest, MessagesDoNotQuoteIt) {
  const absl::Status status =
      ReadSigningInput(Input(R"({"alg":"ES256","kid":"k","secret-name":"v"})")).status();
  EXPECT_EQ(status.message().find("secret"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace sealward::signing
