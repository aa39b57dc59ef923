#include "hsm/header_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "common/errors.h"

namespace sealward::hsm {
namespace {

constexpr absl::string_view kPayload = "eyJzdWIiOiJ1In0";

class HeaderCheckTest : public ::testing::Test {
 protected:
  absl::Status Check(absl::string_view header) {
    return check_.Check(absl::StrCat(Base64UrlEncode(header), ".", kPayload));
  }
  HeaderCheck check_{"ES256", "the-kid"};
};

// What issuers send.
TEST_F(HeaderCheckTest, AcceptsAlgKidAndTyp) {
  EXPECT_TRUE(Check(R"({"alg":"ES256","kid":"the-kid"})").ok());
  EXPECT_TRUE(Check(R"({"alg":"ES256","kid":"the-kid","typ":"JWT"})").ok());
  EXPECT_TRUE(Check(R"({"typ":"at+jwt","kid":"the-kid","alg":"ES256"})").ok());
  EXPECT_TRUE(Check(R"({ "alg" : "ES256" , "kid" : "the-kid" })").ok());
}

// A JWT that names another key would be looked for under that key's scope.
TEST_F(HeaderCheckTest, RefusesAnotherKidOrAlg) {
  for (const char* header :
       {R"({"alg":"ES256","kid":"other"})", R"({"alg":"RS256","kid":"the-kid"})",
        R"({"alg":"none","kid":"the-kid"})", R"({"alg":"HS256","kid":"the-kid"})",
        R"({"alg":"es256","kid":"the-kid"})", R"({"alg":"ES256","kid":"the-kid "})",
        R"({"alg":"ES256","kid":""})"}) {
    const absl::Status status = Check(header);
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << header;
    EXPECT_EQ(ErrorReason(status), "HEADER_MISMATCH");
  }
}

// Each of these has meant something else to one parser than to another (RFC 8725).
TEST_F(HeaderCheckTest, RefusesEverythingElse) {
  for (const std::string& header : std::vector<std::string>{
           R"({"alg":"ES256","kid":"the-kid","crit":["b64"],"b64":false})",
           R"({"alg":"ES256","kid":"the-kid","jwk":{}})",
           R"({"alg":"ES256","kid":"the-kid","jku":"https://evil.test"})",
           R"({"alg":"ES256","kid":"the-kid","x5c":[]})",
           R"({"alg":"ES256","kid":"the-kid","zip":"DEF"})",
           R"({"alg":"none","alg":"ES256","kid":"the-kid"})",
           R"({"alg":"ES256","kid":"x","kid":"the-kid"})",
           R"({"alg":"ES256","kid":"the-kid","typ":"JWT","typ":"JWT"})",
           R"({"alg":"ES256","kid":"the-kid","typ":7})",
           R"({"alg":"ES256","kid":"the-kid","typ":""})",
           R"({"alg":"ES256","kid":"the-kid","typ":"a b"})",
           R"({"alg":["ES256"],"kid":"the-kid"})",
           R"({"alg":{"alg":"ES256"},"kid":"the-kid"})",
           R"({"alg":"ES256","kid":null})",
           R"({"alg":"ES256"})",
           R"({"kid":"the-kid"})",
           R"({})",
           R"([])",
           R"("ES256")",
           R"({"alg":"ES256","kid":"the-kid"}{})",
           R"({"alg":"ES256","kid":"the-kid"},)",
           R"( {"alg":"ES256","kid":"the-kid"})",
           R"({"ALG":"ES256","alg":"ES256","kid":"the-kid"})",
           R"({"alg":"ES256","kid":"the-kid",})",
           R"({"alg":"ES256","kid":"the-kid"/**/})",
           "\xef\xbb\xbf{\"alg\":\"ES256\",\"kid\":\"the-kid\"}",
           std::string("{\"alg\":\"ES256\",\"kid\":\"the-kid\"}\0", 32),
           "{\"alg\":\"ES256\",\"kid\":\"the-kid\",\"typ\":\"\xff\"}",
           absl::StrCat(R"({"alg":"ES256","kid":"the-kid","typ":")", std::string(65, 'x'), "\"}"),
           ""}) {
    EXPECT_EQ(ErrorReason(Check(header)), "SIGNING_INPUT_INVALID") << header;
  }
}

// The signer signs JWS signing inputs and nothing else: other bytes might be a
// message of another protocol.
TEST_F(HeaderCheckTest, RefusesWhatIsNoSigningInput) {
  const std::string good = Base64UrlEncode(R"({"alg":"ES256","kid":"the-kid"})");
  ASSERT_TRUE(check_.Check(absl::StrCat(good, ".", kPayload)).ok());
  for (const std::string& input : std::vector<std::string>{
           "", ".", good, absl::StrCat(good, "."), absl::StrCat(".", kPayload),
           absl::StrCat(good, "=.", kPayload), absl::StrCat(good, ".", kPayload, "."),
           absl::StrCat(good, ".", kPayload, "=="), absl::StrCat(good, ".", kPayload, "\n"),
           absl::StrCat(good, ".a+b/"), absl::StrCat(good, ".abcde"),
           absl::StrCat(good, ".", "\xff\xff\xff\xff"),
           absl::StrCat(std::string(1025, 'A'), ".", kPayload)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(check_.Check(input))) << input;
  }
}

// Remembered headers must not let a longer one through that starts like them, nor
// a bad payload.
TEST_F(HeaderCheckTest, RememberedHeadersAreExact) {
  const std::string good = Base64UrlEncode(R"({"alg":"ES256","kid":"the-kid"})");
  ASSERT_TRUE(check_.Check(absl::StrCat(good, ".", kPayload)).ok());
  EXPECT_FALSE(check_.Check(absl::StrCat(good, "AAAA.", kPayload)).ok());
  EXPECT_FALSE(check_.Check(absl::StrCat(good.substr(0, good.size() - 1), ".", kPayload)).ok());
  EXPECT_FALSE(check_.Check(absl::StrCat(good, ".!!!!")).ok());
  // More headers than are remembered, over and over.
  for (int round = 0; round < 3; ++round) {
    for (int typ = 0; typ < 6; ++typ) {
      const std::string header =
          absl::StrCat(R"({"alg":"ES256","kid":"the-kid","typ":"t)", typ, "\"}");
      EXPECT_TRUE(Check(header).ok()) << header;
    }
  }
}

// An error is logged; claims are not for logs.
TEST_F(HeaderCheckTest, MessagesDoNotQuoteTheInput) {
  const absl::Status status = Check(R"({"alg":"ES256","kid":"secret-looking-kid"})");
  EXPECT_THAT(std::string(status.message()), ::testing::Not(::testing::HasSubstr("secret")));
}

}  // namespace
}  // namespace sealward::hsm
