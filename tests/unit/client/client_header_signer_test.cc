#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "client/header_signer.h"
#include "common/base64url.h"
#include "common/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/fake_signing_server.h"
#include "tests/unit/client/test_certificates.h"

namespace sealward::client {
namespace {

using testing::SizeIs;

constexpr absl::string_view kKey = "tenants/t/keys/k";

const absl::Status kKidNotSigning =
    MakeError(absl::StatusCode::kFailedPrecondition, "KID_NOT_SIGNING", "another version signs");

class HeaderSignerTest : public testing::Test {
 protected:
  HeaderSignerTest() {
    ca_.Issue("server");
    ca_.Issue("client");
    server_ = std::make_unique<FakeSigningServer>(ca_);
    Rotate("one");
    signer_ = std::make_unique<Signer>(*Connection::Open(ca_.Options(server_->target(), "client")));
    cache_ = std::make_unique<SigningKeyCache>(signer_.get());
  }

  // `kid` signs from now on.
  void Rotate(const std::string& kid) {
    v1::SigningKey key;
    key.set_version("v");
    key.set_kid(kid);
    key.mutable_jwk()->set_alg("ES256");
    key.mutable_refresh_time()->set_seconds(absl::ToUnixSeconds(Soon()));
    server_->SetSigningKey(key);
  }

  absl::StatusOr<SignedJwt> Sign() {
    return HeaderSigner(signer_.get(), cache_.get())
        .Sign(
            kKey, R"({"iss":"i"})", [this](const v1::SigningKey& key) { return Header(key); },
            Soon());
  }
  absl::StatusOr<std::string> Header(const v1::SigningKey& key) {
    headers_.push_back(absl::StrCat(R"({"alg":")", key.jwk().alg(), R"(","kid":")", key.kid(),
                                    R"(","typ":"at+jwt"})"));
    return headers_.back();
  }
  static std::string Expected(absl::string_view header) {
    return absl::StrCat(Base64UrlEncode(header), ".", Base64UrlEncode(R"({"iss":"i"})"),
                        ".signature");
  }
  static absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

  TestCa ca_;
  std::unique_ptr<FakeSigningServer> server_;
  std::unique_ptr<Signer> signer_;
  std::unique_ptr<SigningKeyCache> cache_;
  std::vector<std::string> headers_;
};

// The issuer's bytes are what is signed, and the kid is asked for once.
TEST_F(HeaderSignerTest, SignsWhatTheCallerMade) {
  for (int i = 0; i < 3; ++i) {
    const auto jwt = Sign();
    ASSERT_TRUE(jwt.ok()) << jwt.status();
    EXPECT_EQ(jwt->jwt, Expected(R"({"alg":"ES256","kid":"one","typ":"at+jwt"})"));
  }
  EXPECT_THAT(server_->seen(), SizeIs(4));
}

// A rotation faster than the cache must not reach the issuer's users.
TEST_F(HeaderSignerTest, AKidThatNoLongerSignsIsReplacedOnce) {
  ASSERT_TRUE(Sign().ok());
  Rotate("two");
  server_->Script({kKidNotSigning});
  const auto jwt = Sign();
  ASSERT_TRUE(jwt.ok()) << jwt.status();
  EXPECT_EQ(jwt->jwt, Expected(R"({"alg":"ES256","kid":"two","typ":"at+jwt"})"));
  EXPECT_THAT(headers_, SizeIs(3));
  // From now on without a detour.
  ASSERT_TRUE(Sign().ok());
  EXPECT_THAT(headers_, SizeIs(4));
}

// A server that goes on refusing its own kid is not asked for ever.
TEST_F(HeaderSignerTest, ASecondRefusalIsTheCallers) {
  server_->Script({absl::OkStatus(), kKidNotSigning, absl::OkStatus(), kKidNotSigning});
  EXPECT_EQ(ErrorReason(Sign().status()), "KID_NOT_SIGNING");
  EXPECT_THAT(headers_, SizeIs(2));
  EXPECT_THAT(server_->seen(), SizeIs(4));
}

// Only that refusal says anything about the kid.
TEST_F(HeaderSignerTest, OtherErrorsLeaveTheCacheAlone) {
  ASSERT_TRUE(Sign().ok());
  server_->Script({MakeError(absl::StatusCode::kFailedPrecondition, "CLAIMS_OUT_OF_SCOPE", "")});
  EXPECT_EQ(ErrorReason(Sign().status()), "CLAIMS_OUT_OF_SCOPE");
  ASSERT_TRUE(Sign().ok());
  EXPECT_THAT(server_->seen(), SizeIs(4));
}

TEST_F(HeaderSignerTest, AHeaderThatCannotBeMadeIsNotSent) {
  const auto jwt = HeaderSigner(signer_.get(), cache_.get())
                       .Sign(
                           kKey, "{}",
                           [](const v1::SigningKey&) -> absl::StatusOr<std::string> {
                             return absl::UnimplementedError("no ES256 here");
                           },
                           Soon());
  EXPECT_EQ(jwt.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(server_->seen(), SizeIs(1));  // GetSigningKey
}

// What is under way when the cache goes and the Signer after it ends with them.
TEST_F(HeaderSignerTest, EndsWithTheCacheAndTheSigner) {
  ASSERT_TRUE(Sign().ok());
  server_->Hold();
  absl::Status outcome;
  HeaderSigner(signer_.get(), cache_.get())
      .SignAsync(
          kKey, "{}", [this](const v1::SigningKey& key) { return Header(key); }, Soon(),
          [&](const absl::StatusOr<SignedJwt>& jwt) { outcome = jwt.status(); });
  server_->AwaitSeen(3);
  cache_.reset();
  signer_.reset();
  EXPECT_EQ(outcome.code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace sealward::client
