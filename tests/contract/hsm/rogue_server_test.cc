// A server in an attacker's hands speaks the private protocol perfectly. If one of these goes,
// a hijacked server makes JWTs that no JWT key was meant to sign.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "common/digest.h"
#include "tests/contract/hsm/hsm_process.h"

namespace sealward::hsm_test {
namespace {

constexpr char kVictim[] = "tenants/acme/keys/login";
constexpr char kOther[] = "tenants/evil/keys/login";

class RogueServerTest : public ::testing::Test {
 protected:
  RogueServerTest() : process_(partition_.directory()) {
    EXPECT_TRUE(process_.Ready().ok()) << process_.Log();
  }

  static hsm::v1::ObjectRef RefFor(int n, const std::string& key, hsm::v1::ObjectPurpose purpose) {
    hsm::v1::ObjectRef ref = Ref(Id(n), key);
    ref.set_purpose(purpose);
    return ref;
  }
  static hsm::v1::ObjectRef Jwt(int n, const std::string& key = kVictim) {
    return RefFor(n, key, hsm::v1::OBJECT_PURPOSE_JWT);
  }
  static hsm::v1::ObjectRef Raw(int n, const std::string& key = kVictim) {
    return RefFor(n, key, hsm::v1::OBJECT_PURPOSE_RAW);
  }
  static hsm::v1::Operation RawOp(const hsm::v1::ObjectRef& ref, const std::string& digest) {
    hsm::v1::Operation operation;
    *operation.mutable_sign_raw()->mutable_object() = ref;
    operation.mutable_sign_raw()->set_digest(digest);
    return operation;
  }

  hsm::v1::PublicKey Make(const hsm::v1::ObjectRef& ref,
                          v1::Algorithm algorithm = v1::ALGORITHM_ES256) {
    const hsm::v1::Result made = process_.CallOne(GenerateOp(ref, algorithm));
    EXPECT_EQ(made.code(), 0) << made.message();
    return made.public_key();
  }
  // The reason of a refusal; "signed" if there was none.
  std::string Try(const hsm::v1::Operation& operation) {
    const hsm::v1::Result result = process_.CallOne(operation);
    EXPECT_EQ(result.has_signature(), result.code() == 0);
    return result.code() == 0 ? "signed" : result.reason();
  }

  TempPartition partition_;
  HsmProcess process_;
};

// With a signature over a digest of its choice it would have any JWT it likes.
TEST_F(RogueServerTest, GetsNoBareDigestSignedByAJwtKey) {
  const hsm::v1::PublicKey key = Make(Jwt(1));
  std::string digest(32, 'd');
  EXPECT_EQ(Try(RawOp(Jwt(1), digest)), "PURPOSE_MISMATCH");
  EXPECT_EQ(Try(RawOp(Raw(1), digest)), "OBJECT_MISMATCH");
  hsm::v1::Operation message;
  *message.mutable_sign_raw()->mutable_object() = Raw(1);
  message.mutable_sign_raw()->set_message(SigningInputFor(key));
  EXPECT_EQ(Try(message), "OBJECT_MISMATCH");
  for (const std::string& input :
       {digest, absl::BytesToHexString(digest), Base64UrlEncode(digest),
        absl::StrCat(Base64UrlEncode(digest), ".", Base64UrlEncode(digest))}) {
    EXPECT_EQ(Try(SignOp(Jwt(1), input)), "SIGNING_INPUT_INVALID");
  }
  EXPECT_EQ(Try(SignOp(Jwt(1), SigningInputFor(key))), "signed");
}

// A raw key signs anything: if it signed a JWT as one, its purpose would mean nothing.
TEST_F(RogueServerTest, GetsNoJwtSignedByARawKey) {
  const hsm::v1::PublicKey key = Make(Raw(1));
  EXPECT_EQ(Try(SignOp(Raw(1), SigningInputFor(key))), "PURPOSE_MISMATCH");
  EXPECT_EQ(Try(SignOp(Jwt(1), SigningInputFor(key))), "OBJECT_MISMATCH");
}

TEST_F(RogueServerTest, GetsNoHeaderWithAnotherKid) {
  Make(Jwt(1));
  const hsm::v1::PublicKey other = Make(Jwt(2));
  EXPECT_EQ(Try(SignOp(Jwt(1), SigningInputFor(other))), "HEADER_MISMATCH");
}

// The label is the object's own: the name that a tenant's key goes by cannot be put on another's.
TEST_F(RogueServerTest, GetsNothingSignedUnderAnotherTenantsName) {
  const hsm::v1::PublicKey key = Make(Jwt(1));
  Make(Raw(2));
  EXPECT_EQ(Try(SignOp(Jwt(1, kOther), SigningInputFor(key))), "OBJECT_MISMATCH");
  EXPECT_EQ(Try(RawOp(Raw(2, kOther), std::string(32, 'd'))), "OBJECT_MISMATCH");
  EXPECT_EQ(process_.CallOne(GenerateOp(Jwt(1, kOther), v1::ALGORITHM_ES256)).reason(),
            "OBJECT_EXISTS");
  EXPECT_EQ(process_.CallOne(GetOp(Jwt(1, kOther))).reason(), "OBJECT_MISMATCH");
}

// One pair, one algorithm (RFC 8725 section 3.1), though RSA pairs could do nine.
TEST_F(RogueServerTest, GetsNoOtherAlgorithmOutOfAnRsaPair) {
  const hsm::v1::PublicKey key = Make(Jwt(1), v1::ALGORITHM_PS256_2048);
  const auto with = [&](const char* alg) {
    return SigningInput(absl::StrCat(R"({"alg":")", alg, R"(","kid":")", KidOf(key), R"("})"));
  };
  for (const char* alg : {"RS256", "PS384", "RS512", "none"}) {
    EXPECT_EQ(Try(SignOp(Jwt(1), with(alg))), "HEADER_MISMATCH") << alg;
  }
  EXPECT_EQ(Try(SignOp(Jwt(1), with("PS256"))), "signed");
  for (const v1::Algorithm other : {v1::ALGORITHM_RS256_2048, v1::ALGORITHM_PS384_2048}) {
    EXPECT_EQ(process_.CallOne(GenerateOp(Jwt(1), other)).reason(), "OBJECT_EXISTS");
  }
  // Nor after a restart, when it knows nothing but what the object says.
  HsmProcess again(partition_.directory());
  ASSERT_TRUE(again.Ready().ok());
  EXPECT_EQ(again.CallOne(SignOp(Jwt(1), with("RS256"))).reason(), "HEADER_MISMATCH");
  EXPECT_EQ(again.CallOne(GetOp(Jwt(1))).public_key().algorithm(), v1::ALGORITHM_PS256_2048);
}

// What a purpose is was written when the pair was made.
TEST_F(RogueServerTest, CannotTurnAKeyOfOnePurposeIntoOneOfAnother) {
  Make(Jwt(1));
  EXPECT_EQ(process_.CallOne(GenerateOp(Raw(1), v1::ALGORITHM_ES256)).reason(), "OBJECT_EXISTS");
  EXPECT_EQ(
      Try(RawOp(RefFor(1, kVictim, hsm::v1::OBJECT_PURPOSE_UNSPECIFIED), std::string(32, 'd'))),
      "PURPOSE_MISMATCH");
  EXPECT_EQ(
      Try(RawOp(RefFor(1, kVictim, static_cast<hsm::v1::ObjectPurpose>(3)), std::string(32, 'd'))),
      "PURPOSE_MISMATCH");
}

}  // namespace
}  // namespace sealward::hsm_test
