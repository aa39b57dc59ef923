// SignRaw. If these go, a digest could be had from a key whose signatures are believed as JWTs,
// or a signature leave that the published key does not verify.
#include "server/signing/raw_signer.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/verifier.h"
#include "tests/fakes/key_rig.h"

namespace sealward::signing {
namespace {

class RawSignerTest : public ::testing::Test {
 protected:
  RawSignerTest()
      : route_({&rig_.partitions, &rig_.withheld, rig_.epochs.get(), &rig_.clock,
                [this](const catalog::KeyVersion&) { ++bad_signatures_; }}) {
    rig_.AddTenantAndIssuer();
  }

  void MakeKey(absl::string_view algorithm) {
    lifecycle::NewKey key;
    key.name = "tenants/a/keys/raw";
    key.purpose = v1::KEY_PURPOSE_RAW;
    key.max_jwt_lifetime = absl::Hours(24);
    key.algorithm = FindAlgorithmByName(algorithm);
    auto made = rig_.manager->CreateKey(key, absl::InfiniteFuture());
    ASSERT_TRUE(made.ok()) << made.status();
    key_ = *made;
  }

  const catalog::KeyVersion& Version() const { return *key_->versions[0]; }

  absl::StatusOr<RawSignature> Sign(const v1::SignRawRequest& request) {
    absl::StatusOr<RawSignature> answer;
    signer_.Sign({key_.get(), &request, absl::InfiniteFuture(),
                  [&](absl::StatusOr<RawSignature> signature) { answer = std::move(signature); }});
    return answer;
  }
  static v1::SignRawRequest OfMessage(const std::string& message) {
    v1::SignRawRequest request;
    request.set_message(message);
    return request;
  }
  static v1::SignRawRequest OfDigest(const std::string& digest) {
    v1::SignRawRequest request;
    request.set_digest(digest);
    return request;
  }

  bool Verifies(const SignatureInput& input, const std::string& signature) {
    auto verifier = Verifier::Create(*Version().algorithm, Version().spki);
    return verifier.ok() && (*verifier)->Verify(input, signature);
  }

  fakes::KeyRig rig_;
  int bad_signatures_ = 0;
  Route route_;
  RawSigner signer_{&route_};
  std::shared_ptr<const catalog::Key> key_;
};

TEST_F(RawSignerTest, SignsMessagesAndDigests) {
  MakeKey("ES384");
  const auto message = Sign(OfMessage(""));
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->kid, Version().jwk.kid());
  EXPECT_TRUE(Verifies({""}, message->signature));
  const std::string digest(48, 'd');
  const auto of_digest = Sign(OfDigest(digest));
  ASSERT_TRUE(of_digest.ok()) << of_digest.status();
  EXPECT_TRUE(Verifies({digest, true}, of_digest->signature));
}

TEST_F(RawSignerTest, RefusesWhatTheAlgorithmHasNot) {
  MakeKey("EdDSA");
  v1::SignRawRequest der = OfMessage("m");
  der.set_encoding(v1::SIGNATURE_ENCODING_DER);
  v1::SignRawRequest salted = OfMessage("m");
  salted.set_pss_salt_bytes(32);
  v1::SignRawRequest strange = OfMessage("m");
  strange.set_encoding(static_cast<v1::SignatureEncoding>(9));
  for (const v1::SignRawRequest& request :
       {v1::SignRawRequest(), OfDigest(std::string(64, 'd')), der, salted, strange,
        OfMessage(std::string(kMaxRawMessageBytes + 1, 'm'))}) {
    EXPECT_EQ(ErrorReason(Sign(request).status()), "RAW_INPUT_INVALID")
        << request.ShortDebugString().substr(0, 100);
  }
  EXPECT_TRUE(Sign(OfMessage(std::string(kMaxRawMessageBytes, 'm'))).ok());
}

TEST_F(RawSignerTest, DerIsAnEncodingOfTheSameNumbers) {
  MakeKey("ES256");
  v1::SignRawRequest request = OfMessage("m");
  request.set_encoding(v1::SIGNATURE_ENCODING_DER);
  const auto signature = Sign(request);
  ASSERT_TRUE(signature.ok()) << signature.status();
  EXPECT_EQ(signature->signature[0], '\x30');
  EXPECT_EQ(static_cast<size_t>(signature->signature[1]), signature->signature.size() - 2);
  EXPECT_FALSE(Verifies({"m"}, signature->signature));  // that takes R || S
}

TEST_F(RawSignerTest, ASaltIsAsLongAsWasAskedFor) {
  MakeKey("PS256-2048");
  for (const std::optional<int> salt :
       {std::optional<int>(), std::optional<int>(0), std::optional<int>(32)}) {
    v1::SignRawRequest request = OfMessage("m");
    if (salt) request.set_pss_salt_bytes(*salt);
    const auto signature = Sign(request);
    ASSERT_TRUE(signature.ok()) << signature.status();
    EXPECT_TRUE(
        Verifies({"m", false, static_cast<size_t>(salt.value_or(32))}, signature->signature));
  }
  for (const int salt : {-1, 33, 1 << 30}) {
    v1::SignRawRequest request = OfMessage("m");
    request.set_pss_salt_bytes(salt);
    EXPECT_EQ(ErrorReason(Sign(request).status()), "RAW_INPUT_INVALID") << salt;
  }
}

TEST_F(RawSignerTest, AKidThatDoesNotSignNamesTheOneThatDoes) {
  MakeKey("ES256");
  v1::SignRawRequest request = OfMessage("m");
  request.set_kid(Version().jwk.kid());
  EXPECT_TRUE(Sign(request).ok());
  request.set_kid("another");
  const absl::Status status = Sign(request).status();
  EXPECT_EQ(ErrorReason(status), "KID_NOT_SIGNING");
  EXPECT_EQ(ErrorMetadata(status, "kid"), Version().jwk.kid());
}

// RFC 8725 section 3.11: a signature over chosen bytes could be a JWT's.
TEST_F(RawSignerTest, AKeyForJwtsSignsNothingElse) {
  key_ = *rig_.manager->CreateKey(fakes::KeyRig::NewKey(), absl::InfiniteFuture());
  rig_.partition.SetAvailable(false);  // it is not even asked
  EXPECT_EQ(ErrorReason(Sign(OfMessage("m")).status()), "PURPOSE_MISMATCH");
}

TEST_F(RawSignerTest, ASignatureThatThePublishedKeyDoesNotVerifyIsWithheld) {
  MakeKey("ES256");
  rig_.partition.ReplaceKeyPair(Version().object_id);
  EXPECT_EQ(ErrorReason(Sign(OfMessage("m")).status()), "SIGNATURE_INVALID");
  EXPECT_EQ(ErrorReason(Sign(OfDigest(std::string(32, 'd'))).status()), "SIGNATURE_INVALID");
  EXPECT_EQ(bad_signatures_, 2);
}

TEST_F(RawSignerTest, InABatchEachHasItsOwnAnswer) {
  MakeKey("ES256");
  const v1::SignRawRequest good = OfMessage("m");
  const v1::SignRawRequest bad;
  std::vector<absl::StatusOr<RawSignature>> answers(3, absl::UnknownError("none"));
  std::vector<RawRequest> requests;
  requests.reserve(answers.size());
  for (size_t i = 0; i < answers.size(); ++i) {
    requests.push_back(
        {key_.get(), i == 1 ? &bad : &good, absl::InfiniteFuture(),
         [&answers, i](absl::StatusOr<RawSignature> answer) { answers[i] = std::move(answer); }});
  }
  signer_.SignAll(std::move(requests));
  EXPECT_TRUE(answers[0].ok());
  EXPECT_EQ(ErrorReason(answers[1].status()), "RAW_INPUT_INVALID");
  EXPECT_TRUE(answers[2].ok());
}

// No JWKS bounds them: without a limit of their own, rotations would fill the partition, and each
// signature would look through all of them.
TEST_F(RawSignerTest, AKeyHasOnlySoManyVersions) {
  MakeKey("ES256");
  auto many = std::make_shared<catalog::Key>(*key_);
  for (int i = 1; i < catalog::kMaxRawVersions; ++i) many->versions.push_back(many->versions[0]);
  const auto snapshot = rig_.catalog->Get();
  EXPECT_EQ(catalog::RoomOf(*snapshot, *key_, rig_.clock.Now()), catalog::kMaxRawVersions - 1);
  EXPECT_EQ(catalog::RoomOf(*snapshot, *many, rig_.clock.Now()), 0);
  EXPECT_EQ(catalog::MaxJwksKeys(*key_->issuer), catalog::kMaxRawVersions);
}

// Its life is as others': the first version signs at once, a successor waits for those who
// verify, and what it made stays verifiable for retire_after.
TEST_F(RawSignerTest, RotatesAsItsScopeSays) {
  lifecycle::NewKey key;
  key.name = "tenants/a/keys/slow";
  key.purpose = v1::KEY_PURPOSE_RAW;
  key.max_jwt_lifetime = absl::Hours(24);
  key.raw_propagation_time = absl::Hours(2);
  key.algorithm = FindAlgorithmByName("ES256");
  ASSERT_TRUE(rig_.manager->CreateKey(key, absl::InfiniteFuture()).ok());
  EXPECT_EQ(rig_.States(key.name), "ACTIVE");
  rig_.driver->RunPass();
  EXPECT_EQ(rig_.States(key.name), "ACTIVE STAGED");
  rig_.clock.Advance(absl::Hours(2) + absl::Minutes(1));
  EXPECT_EQ(rig_.States(key.name), "ACTIVE STANDBY");
  rig_.Restart();
  ASSERT_TRUE(rig_.manager
                  ->RotateKey(
                      key.name, [](const catalog::Key&) { return true; }, absl::InfiniteFuture())
                  .ok());
  EXPECT_EQ(rig_.States(key.name).substr(0, 18), "VERIFY_ONLY ACTIVE");
  rig_.clock.Advance(absl::Hours(23));
  EXPECT_EQ(rig_.States(key.name).substr(0, 11), "VERIFY_ONLY");
  rig_.clock.Advance(absl::Hours(2));
  EXPECT_EQ(rig_.States(key.name).substr(0, 9), "WITHDRAWN");
}

}  // namespace
}  // namespace sealward::signing
