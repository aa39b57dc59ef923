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
#include "server/catalog/mutations.h"
#include "server/lifecycle/course.h"
#include "tests/unit/signer/signer_fixture.h"

namespace sealward::signing {
namespace {

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

// The system's clock was set: the version that signs does not change, and JWTs live by
// the system's clock; but a clock that stands still must not make a key sign for ever.
TEST_F(SignerTest, AFrozenLifecycleClockSignsUntilTheHardEnd) {
  fakes::ManualClock frozen(rig_.clock.Now());
  fakes::ManualClock running(rig_.clock.Now());
  Route route({&rig_.partitions, &rig_.withheld, rig_.epochs.get(), &rig_.clock,
               [](const catalog::KeyVersion&) {}, &frozen, &running});
  Signer signer(&route);
  auto version = std::make_shared<catalog::KeyVersion>(Version(0));
  version->times.sign_until = rig_.clock.Now() + absl::Hours(1);
  auto key = std::make_shared<catalog::Key>(*key_);
  key->versions[0] = version;
  absl::Status status;
  const auto sign = [&] {
    signer.Sign({key.get(), Claims(), "", absl::InfiniteFuture(),
                 [&status](absl::StatusOr<SignedJwt> jwt) { status = jwt.status(); }});
    return status;
  };
  rig_.clock.Advance(absl::Hours(24 * 365));
  running.Advance(absl::Minutes(59));
  EXPECT_TRUE(sign().ok()) << status;
  running.Advance(absl::Minutes(1));
  EXPECT_EQ(ErrorReason(sign()), "KEY_NOT_READY");
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

// The key's first version with other times; no driver runs.
class HardEndsTest : public SignerTest {
 protected:
  void SetTimes(void (*edit)(lifecycle::VersionTimes&, absl::Time now)) {
    auto times = catalog::TimesOf(*key_);
    edit(times[0], rig_.clock.Now());
    key_ = std::make_shared<const catalog::Key>(catalog::WithTimes(*key_, times));
  }
  std::string Reason() { return ErrorReason(Sign(Claims()).status()); }
};

TEST_F(HardEndsTest, ASuspendedVersionSignsNothingAndTheErrorSaysSo) {
  SetTimes([](lifecycle::VersionTimes& times, absl::Time now) { times.suspend = now; });
  EXPECT_EQ(Reason(), "KEY_SUSPENDED");
}

TEST_F(HardEndsTest, ARevokedVersionSignsNothingAndTheErrorSaysSo) {
  SetTimes([](lifecycle::VersionTimes& times, absl::Time now) { times.revoke = now; });
  EXPECT_EQ(Reason(), "KEY_REVOKED");
}

// sign_until and publish_until hold though nobody planned anything.
TEST_F(HardEndsTest, PastSignUntilNothingSigns) {
  SetTimes([](lifecycle::VersionTimes& times, absl::Time now) {
    times.sign_until = now + absl::Hours(1);
    times.publish_until = now + absl::Hours(3);
  });
  rig_.clock.Advance(absl::Hours(1) - absl::Seconds(1));
  EXPECT_TRUE(Sign(Claims()).ok());
  rig_.clock.Advance(absl::Seconds(1));
  EXPECT_EQ(Reason(), "KEY_NOT_READY");
}

// Else a JWT could outlive the publication of its key, and an honest one be refused.
TEST_F(HardEndsTest, NoJwtOutlivesThePublicationOfItsKey) {
  SetTimes([](lifecycle::VersionTimes& times, absl::Time now) {
    times.publish_until = now + absl::Minutes(10) + lifecycle::kClockSkew;
  });
  EXPECT_TRUE(Sign(Claims()).ok());  // expires in ten minutes
  rig_.clock.Advance(absl::Seconds(1));
  const absl::Status refused = Sign(Claims()).status();
  EXPECT_EQ(ErrorReason(refused), "CLAIMS_OUT_OF_SCOPE");
  EXPECT_TRUE(absl::StrContains(
      refused.message(),
      absl::FormatTime(absl::RFC3339_sec, Version(0).times.publish_until - lifecycle::kClockSkew,
                       absl::UTCTimeZone())))
      << refused;
}

TEST_F(SignerTest, CountsTheJwtsThatMayBeAlive) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Sign(Claims()).ok());
  EXPECT_FALSE(Sign("{}").ok());
  const auto live = [this] {
    return signer_.live_jwts().Live(Version(0).object_id, rig_.clock.Now());
  };
  EXPECT_EQ(live(), 3);
  rig_.clock.Advance(key_->max_jwt_lifetime - absl::Seconds(1));
  EXPECT_EQ(live(), 3);
  rig_.clock.Advance(key_->max_jwt_lifetime / 10);
  EXPECT_EQ(live(), 0);
}

TEST_F(SignerTest, InABatchEachHasItsOwnAnswer) {
  const std::string good = Claims();
  std::vector<absl::StatusOr<SignedJwt>> answers(3, absl::UnknownError("none"));
  std::vector<SignRequest> requests;
  requests.reserve(answers.size());
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
    requests.reserve(3);
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
