// Ready signing inputs. If these go, an issuer library becomes a way around the scope: claims,
// headers or kids that the other form refuses would be signed in this one.
#include <string>
#include <vector>

#include "common/errors.h"
#include "common/verifier.h"
#include "tests/unit/signer/signer_fixture.h"

namespace sealward::signing {
namespace {

class ReadyInputTest : public SignerTest {
 protected:
  std::string Reason(const std::string& input, const std::string& typ = "") {
    return ErrorReason(SignReady(input, typ).status());
  }
};

TEST_F(ReadyInputTest, ExactlyTheseBytesAreSigned) {
  // White space and another order than ours: they stay.
  const std::string header =
      absl::StrCat(R"({ "typ" : "JWT", "kid":")", Version(0).jwk.kid(), R"(", "alg":"ES256" })");
  const std::string input = Ready(header, Claims() + " ");
  const auto jwt = SignReady(input);
  ASSERT_TRUE(jwt.ok()) << jwt.status();
  EXPECT_EQ(jwt->kid, Version(0).jwk.kid());
  ASSERT_EQ(jwt->jwt.substr(0, input.size() + 1), input + ".");
  auto verifier = Verifier::Create(*Version(0).algorithm, Version(0).spki);
  ASSERT_TRUE(verifier.ok());
  EXPECT_TRUE((*verifier)->Verify(input, *Base64UrlDecode(jwt->jwt.substr(input.size() + 1))));
}

TEST_F(ReadyInputTest, TheJwtIsCountedAsOneThatLives) {
  ASSERT_TRUE(SignReady(Ready(Header(), Claims())).ok());
  EXPECT_EQ(signer_.live_jwts().Live(Version(0).object_id, rig_.clock.Now()), 1);
}

// The caller learns which kid to build with; guessing would cost it a round trip a try.
TEST_F(ReadyInputTest, AKidThatNoLongerSignsNamesTheOneThatDoes) {
  rig_.driver->RunPass();
  rig_.clock.Advance(fakes::kPropagation);
  ASSERT_TRUE(rig_.manager
                  ->RotateKey(
                      fakes::kKey, [](const catalog::Key&) { return true; }, absl::InfiniteFuture())
                  .ok());
  key_ = rig_.Key();
  // With claims that still hold.
  const absl::Status status = SignReady(Ready(Header(), Claims())).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(status), "KID_NOT_SIGNING");
  EXPECT_EQ(ErrorMetadata(status, "kid"), Version(1).jwk.kid());
}

TEST_F(ReadyInputTest, TheAlgIsTheVersionsOwn) {
  for (const char* alg : {"RS256", "ES384", "none", "HS256", "es256", ""}) {
    EXPECT_EQ(Reason(Ready(Header("", alg), Claims())), "HEADER_MISMATCH") << alg;
  }
}

TEST_F(ReadyInputTest, TheTypIsOneOfTheScopes) {
  EXPECT_EQ(Reason(Ready(Header(R"(,"typ":"JWT")"), Claims())), "");
  EXPECT_EQ(Reason(Ready(Header(R"(,"typ":"at+jwt")"), Claims())), "CLAIMS_OUT_OF_SCOPE");
  EXPECT_EQ(Reason(Ready(Header(R"(,"typ":"")"), Claims())), "CLAIMS_OUT_OF_SCOPE");
  EXPECT_EQ(Reason(Ready(Header(R"(,"typ":"jwt")"), Claims())), "CLAIMS_OUT_OF_SCOPE");
}

// A header without typ is read as a plain JWT's: a key for access tokens alone must not make
// one (RFC 8725 section 3.11).
TEST_F(ReadyInputTest, WithoutTypItCountsAsAJwt) {
  EXPECT_EQ(Reason(Ready(Header(), Claims())), "");
  auto access_only = std::make_shared<catalog::Key>(*key_);
  access_only->typs = {"at+jwt"};
  key_ = access_only;
  EXPECT_EQ(Reason(Ready(Header(), Claims())), "CLAIMS_OUT_OF_SCOPE");
  EXPECT_EQ(Reason(Ready(Header(R"(,"typ":"at+jwt")"), Claims())), "");
}

TEST_F(ReadyInputTest, TheRequestHasNoTypBesides) {
  EXPECT_EQ(Reason(Ready(Header(), Claims()), "JWT"), "SIGNING_INPUT_INVALID");
}

TEST_F(ReadyInputTest, AKeyThatIsNotForJwtsSignsNone) {
  auto other = std::make_shared<catalog::Key>(*key_);
  other->purpose = v1::KEY_PURPOSE_RAW;
  key_ = other;
  EXPECT_EQ(Reason(Ready(Header(), Claims())), "PURPOSE_MISMATCH");
}

// Both forms, the same content: the same decision, to the letter.
TEST_F(ReadyInputTest, ClaimsAreJudgedAsInTheOtherForm) {
  const std::string good = Claims();
  std::vector<std::string> all = {
      good,          "",          "{}",       "[]",
      "null",        good + good, good + "x", std::string("\xef\xbb\xbf") + good,
      R"({"iss":1})"};
  for (const char* member :
       {R"("aud":"mail")", R"("sub":"a","sub":"b")", R"("exp":1e400)", R"("nbf":99999999999)",
        R"("x":"\u0000")", R"("x":"\ud800")", R"("AUD":"x")", R"("jti":7)"}) {
    all.push_back(absl::StrCat(good.substr(0, good.size() - 1), ",", member, "}"));
  }
  for (const std::string& claims : all) {
    const absl::Status one = Sign(claims).status();
    const absl::Status other = SignReady(Ready(Header(), claims)).status();
    EXPECT_EQ(one, other) << claims;
  }
}

}  // namespace
}  // namespace sealward::signing
