// The sign path between the edge and the HSM. If these go, a signature that the
// published key does not verify could leave (a faulty RSA or EdDSA signature
// gives the private key away), or a version could sign out of its time.
#include "server/signing/signer.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base64url.h"
#include "common/errors.h"
#include "common/verifier.h"
#include "tests/fakes/key_rig.h"

namespace sealward::signing {
namespace {

class SignerTest : public ::testing::Test {
 protected:
  SignerTest()
      : signer_({&rig_.partitions, &rig_.withheld, &rig_.clock,
                 [this](const catalog::KeyVersion&) { ++bad_signatures_; }}) {
    rig_.AddTenantAndIssuer();
    key_ = *rig_.manager->CreateKey(fakes::KeyRig::NewKey(), absl::InfiniteFuture());
  }

  std::string Claims() const {
    return absl::StrCat(R"({"iss":")", key_->issuer->issuer_url, R"(","aud":"mail","exp":)",
                        absl::ToUnixSeconds(rig_.clock.Now()) + 600, "}");
  }

  absl::StatusOr<SignedJwt> Sign(const std::string& claims, const std::string& typ = "") {
    absl::StatusOr<SignedJwt> answer;
    int calls = 0;
    signer_.Sign(
        {key_.get(), claims, typ, absl::InfiniteFuture(), [&](absl::StatusOr<SignedJwt> jwt) {
           answer = std::move(jwt);
           ++calls;
         }});
    EXPECT_EQ(calls, 1);
    return answer;
  }

  const catalog::KeyVersion& Version(size_t index) const { return *key_->versions[index]; }

  fakes::KeyRig rig_;
  int bad_signatures_ = 0;
  Signer signer_;
  std::shared_ptr<const catalog::Key> key_;
};

TEST_F(SignerTest, SignsTheCallersBytesUnderOurHeader) {
  const std::string claims = Claims();
  auto jwt = Sign(claims);
  ASSERT_TRUE(jwt.ok()) << jwt.status();
  const std::vector<std::string> parts = absl::StrSplit(jwt->jwt, '.');
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(Base64UrlDecode(parts[0]),
            absl::StrCat(R"({"alg":"ES256","kid":")", Version(0).jwk.kid(), R"(","typ":"JWT"})"));
  EXPECT_EQ(Base64UrlDecode(parts[1]), claims);
  EXPECT_EQ(jwt->kid, Version(0).jwk.kid());
  auto verifier = Verifier::Create(*Version(0).algorithm, Version(0).spki);
  ASSERT_TRUE(verifier.ok());
  EXPECT_TRUE(
      (*verifier)->Verify(absl::StrCat(parts[0], ".", parts[1]), *Base64UrlDecode(parts[2])));
}

// Bytes that a key of another purpose signed could be taken for a JWT, and a JWT
// for those (RFC 8725 section 3.11).
TEST_F(SignerTest, AKeyThatIsNotForJwtsSignsNone) {
  auto other = std::make_shared<catalog::Key>(*key_);
  other->purpose = v1::KEY_PURPOSE_UNSPECIFIED;
  key_ = other;
  rig_.partition.SetAvailable(false);  // it is not even asked
  EXPECT_EQ(ErrorReason(Sign(Claims()).status()), "PURPOSE_MISMATCH");
}

TEST_F(SignerTest, ASignatureThatThePublishedKeyDoesNotVerifyIsWithheld) {
  rig_.partition.ReplaceKeyPair(Version(0).object_id);
  auto jwt = Sign(Claims());
  EXPECT_EQ(ErrorReason(jwt.status()), "SIGNATURE_INVALID");
  EXPECT_EQ(bad_signatures_, 1);
}

TEST_F(SignerTest, AnAnswerWithoutSignatureIsWithheld) {
  rig_.partition.AnswerNextWith({});
  EXPECT_EQ(ErrorReason(Sign(Claims()).status()), "SIGNATURE_INVALID");
}

TEST_F(SignerTest, WhatReconciliationWithheldDoesNotSign) {
  lifecycle::ReconcileReport report;
  report.withheld.insert(Version(0).object_id);
  rig_.withheld.Set(hsm_client::kSharedPartition, report);
  EXPECT_EQ(ErrorReason(Sign(Claims()).status()), "KEY_WITHHELD");
}

TEST_F(SignerTest, ClaimsOutOfScopeNeverReachTheHsm) {
  rig_.partition.SetAvailable(false);  // would answer UNAVAILABLE
  EXPECT_EQ(ErrorReason(Sign(R"({"iss":"https://other.example"})").status()),
            "CLAIMS_OUT_OF_SCOPE");
  EXPECT_EQ(ErrorReason(Sign("[]").status()), "CLAIMS_INVALID");
  EXPECT_EQ(ErrorReason(Sign(Claims(), "at+jwt").status()), "CLAIMS_OUT_OF_SCOPE");
  EXPECT_EQ(ErrorReason(Sign(Claims()).status()), "HSM_UNAVAILABLE");
}

TEST_F(SignerTest, TheVersionThatSignsIsTheOneOfTheTime) {
  rig_.driver->RunPass();  // stages a successor
  rig_.clock.Advance(fakes::kPropagation);
  key_ = rig_.Key();
  ASSERT_EQ(key_->versions.size(), 2U);
  EXPECT_EQ(Sign(Claims())->kid, Version(0).jwk.kid());
  auto rotation = rig_.manager->RotateKey(
      fakes::kKey, [](const catalog::Key&) { return true; }, absl::InfiniteFuture());
  ASSERT_TRUE(rotation.ok()) << rotation.status();
  key_ = rig_.Key();
  EXPECT_EQ(Sign(Claims())->kid, Version(1).jwk.kid());
}

TEST_F(SignerTest, WithNothingToSignWithItSaysWhen) {
  rig_.AddIssuer("tenants/a/issuers/shared", /*shared=*/true);
  auto first = rig_.manager->CreateKey(
      fakes::KeyRig::NewKey("tenants/a/keys/first", "tenants/a/issuers/shared"),
      absl::InfiniteFuture());
  ASSERT_TRUE(first.ok()) << first.status();
  // The issuer's JWKS is in caches by now: a second key must wait for them.
  auto second = rig_.manager->CreateKey(
      fakes::KeyRig::NewKey("tenants/a/keys/second", "tenants/a/issuers/shared"),
      absl::InfiniteFuture());
  ASSERT_TRUE(second.ok()) << second.status();
  key_ = *second;
  auto early = Sign(Claims());
  EXPECT_EQ(ErrorReason(early.status()), "KEY_NOT_READY");
  EXPECT_TRUE(
      absl::StrContains(early.status().message(),
                        absl::FormatTime(absl::RFC3339_sec, rig_.clock.Now() + fakes::kPropagation,
                                         absl::UTCTimeZone())))
      << early.status();
  rig_.clock.Advance(fakes::kPropagation);
  EXPECT_TRUE(Sign(Claims()).ok());
}

TEST_F(SignerTest, InABatchEachHasItsOwnAnswer) {
  const std::string good = Claims();
  std::vector<absl::StatusOr<SignedJwt>> answers(3, absl::UnknownError("none"));
  std::vector<SignRequest> requests;
  for (size_t i = 0; i < answers.size(); ++i) {
    requests.push_back({key_.get(), i == 1 ? absl::string_view("{}") : absl::string_view(good), "",
                        absl::InfiniteFuture(), [&answers, i](absl::StatusOr<SignedJwt> jwt) {
                          answers[i] = std::move(jwt);
                        }});
  }
  signer_.SignAll(std::move(requests));
  EXPECT_TRUE(answers[0].ok());
  EXPECT_EQ(ErrorReason(answers[1].status()), "CLAIMS_OUT_OF_SCOPE");
  EXPECT_TRUE(answers[2].ok());
}

// A batch goes to each tenant's own partition, and one that is away fails its own
// tenant's JWTs alone.
TEST_F(SignerTest, EachTenantsPartitionSigns) {
  rig_.AddTenant("tenants/b", fakes::kOwnPartition);
  rig_.AddIssuer("tenants/b/issuers/main");
  const auto own = *rig_.manager->CreateKey(
      fakes::KeyRig::NewKey("tenants/b/keys/web", "tenants/b/issuers/main"),
      absl::InfiniteFuture());
  const auto sign_both = [&] {
    const auto claims_of = [this](const catalog::Key& key) {
      return absl::StrCat(R"({"iss":")", key.issuer->issuer_url, R"(","aud":"mail","exp":)",
                          absl::ToUnixSeconds(rig_.clock.Now()) + 600, "}");
    };
    const std::vector<std::string> claims = {claims_of(*own), claims_of(*key_), claims_of(*own)};
    std::vector<std::string> reasons(3, "no answer");
    std::vector<SignRequest> requests;
    for (size_t i = 0; i < 3; ++i) {
      requests.push_back({i == 1 ? key_.get() : own.get(), claims[i], "", absl::InfiniteFuture(),
                          [&reasons, i](const absl::StatusOr<SignedJwt>& jwt) {
                            reasons[i] = jwt.ok() ? "signed" : ErrorReason(jwt.status());
                          }});
    }
    signer_.SignAll(std::move(requests));
    return reasons;
  };
  EXPECT_EQ(sign_both(), (std::vector<std::string>{"signed", "signed", "signed"}));
  rig_.own_partition.SetAvailable(false);
  EXPECT_EQ(sign_both(),
            (std::vector<std::string>{"HSM_UNAVAILABLE", "signed", "HSM_UNAVAILABLE"}));
  rig_.own_partition.SetAvailable(true);
  rig_.partition.SetAvailable(false);
  EXPECT_EQ(sign_both(), (std::vector<std::string>{"signed", "HSM_UNAVAILABLE", "signed"}));
  EXPECT_EQ(ErrorReason(Sign(Claims()).status()), "HSM_UNAVAILABLE");
  key_ = own;
  EXPECT_TRUE(Sign(Claims()).ok());
}

// Its key's object is in no partition that is there: asking another would find
// nothing, or worse, something.
TEST_F(SignerTest, ATenantWithoutItsPartitionSignsNothing) {
  auto tenant = std::make_shared<catalog::Tenant>(*key_->tenant);
  tenant->partition = "gone";
  auto key = std::make_shared<catalog::Key>(*key_);
  key->tenant = tenant;
  key_ = key;
  EXPECT_EQ(ErrorReason(Sign("[]").status()), "CLAIMS_INVALID");
  EXPECT_EQ(ErrorReason(Sign(Claims()).status()), "PARTITION_NOT_CONFIGURED");
}

}  // namespace
}  // namespace sealward::signing
