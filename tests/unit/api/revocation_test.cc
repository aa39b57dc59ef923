// Revoke over gRPC. If these break, a stolen key goes on signing or being published,
// a revocation waits for what may never come, or its answer promises too much.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/lifecycle/profiles.h"
#include "server/publish/jwks.h"
#include "tests/unit/api/lifecycle_rig.h"

namespace sealward::api {
namespace {

using testing::HasSubstr;
using testing::Not;

class RevocationTest : public LifecycleRig {
 protected:
  std::string Jwks() {
    const auto snapshot = rig_.keys.catalog->Get();
    const auto document =
        publish::BuildJwks(*snapshot->issuers.at(fakes::kIssuer),
                           snapshot->keys_of_issuer.at(fakes::kIssuer), rig_.keys.clock.Now());
    return document.ok() ? document->body : "";
  }
  std::string Kid(size_t index) { return rig_.keys.Key()->versions[index]->jwk.kid(); }
};

TEST_F(RevocationTest, TheStandbySignsAtOnceAndTheStolenKeyIsGone) {
  MakeStandby();
  ASSERT_TRUE(Revoke(Version(1)).ok());
  EXPECT_EQ(rig_.keys.States(), "REVOKED ACTIVE");
  EXPECT_THAT(Jwks(), Not(HasSubstr(Kid(0))));
  EXPECT_THAT(Jwks(), HasSubstr(Kid(1)));
  ASSERT_EQ(revoked_.versions_size(), 1);
  const v1::RevokedVersion& told = revoked_.versions(0);
  EXPECT_EQ(told.version().state(), v1::KeyVersion::REVOKED);
  EXPECT_EQ(told.version().revoker(), PrincipalOf(kTenantOperator));
  EXPECT_EQ(told.version().revocation_reason(), v1::REVOCATION_REASON_KEY_COMPROMISE);
  EXPECT_EQ(told.promoted_version(), Version(2));
  EXPECT_FALSE(told.tombstone_pending());
  EXPECT_TRUE(told.refused_by().empty());
  EXPECT_TRUE(revoked_.unserved_keys().empty());
  const std::string& id = rig_.keys.Key()->versions[0]->object_id;
  EXPECT_TRUE(rig_.keys.partition.mark(id).has_value());
  EXPECT_THAT(rig_.keys.partition.forgotten(), testing::Contains(id));
}

// Each class of validator gets what its cache allows, and nothing better.
TEST_F(RevocationTest, SaysHowLongEachCacheMayTrustIt) {
  MakeStandby();
  const absl::Time now = rig_.keys.clock.Now();
  ASSERT_TRUE(Revoke(Version(1)).ok());
  const auto& profile = lifecycle::FindProfile(lifecycle::Profile::kDefault);
  const v1::RevokedVersion& told = revoked_.versions(0);
  ASSERT_EQ(static_cast<size_t>(told.exposures_size()), profile.classes.size());
  for (size_t i = 0; i < profile.classes.size(); ++i) {
    const v1::Exposure& exposure = told.exposures(static_cast<int>(i));
    const lifecycle::CacheClass& cache = profile.classes[i];
    EXPECT_EQ(exposure.validators(), cache.validators);
    const absl::Time until = lifecycle::TrustedUntil(profile, cache, absl::Minutes(5), now);
    if (until == absl::InfiniteFuture()) {
      // Version 2 was published before: only version 3 is in no cache.
      EXPECT_EQ(exposure.until_fresh_kid().version(), Version(3));
      EXPECT_EQ(exposure.until_fresh_kid().planned_time().seconds(),
                absl::ToUnixSeconds(now + fakes::kPropagation));
    } else {
      EXPECT_EQ(exposure.until().seconds(), absl::ToUnixSeconds(until));
    }
  }
  EXPECT_EQ(told.live_jwts_until().seconds(), absl::ToUnixSeconds(now + absl::Hours(1)));
}

// Honest JWTs that die with it, told before anybody decides.
TEST_F(RevocationTest, CountsTheJwtsThatAreStillAlive) {
  MakeStandby();
  const auto sign = [this] {
    v1::SignJwtRequest request;
    request.set_key(fakes::kKey);
    request.set_claims(absl::StrCat(
        R"({"iss":"https://issuer.example/tenants/a/issuers/main","aud":"mail","exp":)",
        absl::ToUnixSeconds(rig_.keys.clock.Now()) + 600, "}"));
    v1::SignJwtResponse response;
    EXPECT_TRUE(rig_.Call<v1::SigningService>(kTenantIssuer, &v1::SigningService::Stub::SignJwt,
                                              request, &response)
                    .ok());
  };
  for (int i = 0; i < 3; ++i) sign();
  ASSERT_TRUE(Revoke(Version(1), false, true).ok());
  EXPECT_EQ(revoked_.versions(0).live_jwts(), 3);
  ASSERT_TRUE(Revoke(fakes::kKey).ok());
  ASSERT_EQ(revoked_.versions_size(), 2);
  EXPECT_EQ(revoked_.versions(0).live_jwts(), 3);
  EXPECT_EQ(revoked_.versions(1).live_jwts(), 0) << "it never signed";
}

TEST_F(RevocationTest, JwtsThatAreOverAreNotCounted) {
  MakeStandby();
  v1::SignJwtRequest request;
  request.set_key(fakes::kKey);
  request.set_claims(
      absl::StrCat(R"({"iss":"https://issuer.example/tenants/a/issuers/main","aud":"mail","exp":)",
                   absl::ToUnixSeconds(rig_.keys.clock.Now()) + 600, "}"));
  v1::SignJwtResponse response;
  ASSERT_TRUE(rig_.Call<v1::SigningService>(kTenantIssuer, &v1::SigningService::Stub::SignJwt,
                                            request, &response)
                  .ok());
  rig_.keys.clock.Advance(absl::Hours(2));  // the longest lives one
  ASSERT_TRUE(Revoke(Version(1)).ok());
  EXPECT_EQ(revoked_.versions(0).live_jwts(), 0);
}

TEST_F(RevocationTest, WithoutAStandbyNothingSignsUntilOneIsReady) {
  Pass();
  ASSERT_EQ(rig_.keys.States(), "ACTIVE STAGED");
  const absl::Time ready = rig_.keys.Key()->versions[1]->times.standby;
  ASSERT_TRUE(Revoke(Version(1)).ok());
  EXPECT_EQ(rig_.keys.States(), "REVOKED STAGED");
  EXPECT_EQ(revoked_.versions(0).promoted_version(), "");
  ASSERT_EQ(revoked_.unserved_keys_size(), 1);
  EXPECT_EQ(revoked_.unserved_keys(0).until().seconds(), absl::ToUnixSeconds(ready));
  rig_.keys.clock.Advance(fakes::kPropagation);
  EXPECT_EQ(rig_.keys.States(), "REVOKED ACTIVE");
}

TEST_F(RevocationTest, UnreadyIsChosenAndSaysWhoWillFail) {
  Pass();
  ASSERT_TRUE(Revoke(Version(1), true).ok());
  EXPECT_EQ(rig_.keys.States(), "REVOKED ACTIVE");
  EXPECT_TRUE(rig_.keys.Key()->versions[1]->times.unready);
  EXPECT_EQ(revoked_.versions(0).promoted_version(), Version(2));
  std::string refused;
  for (const std::string& each : revoked_.versions(0).refused_by()) refused += each;
  EXPECT_THAT(refused, HasSubstr("Envoy"));
  EXPECT_THAT(refused, Not(HasSubstr("PyJWT"))) << "it refetches at once";
}

// A key whose every version is stolen gets a new one first, which is not revoked.
TEST_F(RevocationTest, AWholeKeyGetsANewVersionToSignWith) {
  MakeStandby();
  ASSERT_TRUE(Revoke(fakes::kKey, true).ok());
  EXPECT_EQ(rig_.keys.States(), "REVOKED REVOKED ACTIVE");
  EXPECT_EQ(revoked_.versions_size(), 2);
  EXPECT_TRUE(revoked_.unserved_keys().empty());
}

TEST_F(RevocationTest, AWholeKeyWithoutThatSignsNothingForAWhile) {
  MakeStandby();
  const absl::Time now = rig_.keys.clock.Now();
  ASSERT_TRUE(Revoke(fakes::kKey).ok());
  EXPECT_EQ(rig_.keys.States(), "REVOKED REVOKED");
  ASSERT_EQ(revoked_.unserved_keys_size(), 1);
  EXPECT_EQ(revoked_.unserved_keys(0).until().seconds(),
            absl::ToUnixSeconds(now + fakes::kPropagation));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(rig_.keys.manager->Advance(fakes::kKey).ok());
  rig_.keys.clock.Advance(fakes::kPropagation);
  EXPECT_EQ(rig_.keys.States().substr(0, 22), "REVOKED REVOKED ACTIVE");
}

// The HSM may be what was broken into, or be switched off because of it.
TEST_F(RevocationTest, DoesNotNeedTheHsm) {
  MakeStandby();
  rig_.keys.partition.SetAvailable(false);
  ASSERT_TRUE(Revoke(Version(1)).ok());
  EXPECT_EQ(rig_.keys.States(), "REVOKED ACTIVE");
  EXPECT_TRUE(revoked_.versions(0).tombstone_pending());
  EXPECT_FALSE(rig_.keys.Key()->versions[0]->times.revoke_marked) << "the driver goes on";
}

TEST_F(RevocationTest, WaitsForNoPauseAndNoOneElse) {
  MakeStandby();
  ASSERT_TRUE(Pause(kDay).ok());
  ASSERT_TRUE(Revoke(Version(1)).ok());
  EXPECT_EQ(rig_.keys.States(), "REVOKED ACTIVE");
}

TEST_F(RevocationTest, APreviewIsTheTruthAndChangesNothing) {
  MakeStandby();
  const int64_t revision = rig_.keys.catalog->Get()->revision;
  ASSERT_TRUE(Revoke(fakes::kKey, true, true).ok());
  EXPECT_EQ(rig_.keys.catalog->Get()->revision, revision);
  EXPECT_EQ(rig_.keys.partition.key_pairs_made(), 2);
  const v1::RevokeResponse preview = revoked_;
  ASSERT_TRUE(Revoke(fakes::kKey, true).ok());
  ASSERT_EQ(preview.versions_size(), revoked_.versions_size());
  for (int i = 0; i < preview.versions_size(); ++i) {
    EXPECT_EQ(preview.versions(i).promoted_version(), revoked_.versions(i).promoted_version());
    EXPECT_EQ(preview.versions(i).version().state(), v1::KeyVersion::REVOKED);
    EXPECT_EQ(preview.versions(i).exposures_size(), revoked_.versions(i).exposures_size());
  }
}

TEST_F(RevocationTest, ATenantAndAPartitionAreAllTheirKeys) {
  MakeStandby();
  rig_.keys.AddIssuer("tenants/a/issuers/two");
  rig_.keys.AddTenant("tenants/c", fakes::kOwnPartition);
  rig_.keys.AddIssuer("tenants/c/issuers/main");
  const auto make = [this](const char* name, const char* issuer) {
    ASSERT_TRUE(
        rig_.keys.manager->CreateKey(fakes::KeyRig::NewKey(name, issuer), absl::InfiniteFuture())
            .ok());
  };
  make("tenants/a/keys/two", "tenants/a/issuers/two");
  make("tenants/c/keys/main", "tenants/c/issuers/main");
  EXPECT_EQ(ReasonOf(Revoke("partitions/shared")), "PERMISSION_DENIED") << "a tenant's operator";
  ASSERT_TRUE(Revoke("partitions/vault-b", false, false, kOperator).ok());
  EXPECT_EQ(rig_.keys.States("tenants/c/keys/main"), "REVOKED");
  EXPECT_EQ(rig_.keys.States(), "ACTIVE STANDBY");
  ASSERT_TRUE(Revoke(fakes::kTenant).ok());
  EXPECT_EQ(rig_.keys.States(), "REVOKED REVOKED");
  EXPECT_EQ(rig_.keys.States("tenants/a/keys/two"), "REVOKED");
  EXPECT_EQ(revoked_.versions_size(), 3);
}

TEST_F(RevocationTest, BadRequestsAreToldSo) {
  MakeStandby();
  EXPECT_EQ(ReasonOf(Revoke("tenants/a/keys/web/versions/x")), "NAME_INVALID");
  EXPECT_EQ(ReasonOf(Revoke("")), "NAME_INVALID");
  EXPECT_EQ(ReasonOf(Revoke(Version(9))), "NOT_FOUND");
  EXPECT_EQ(ReasonOf(Revoke("partitions/none", false, false, kOperator)), "NOT_FOUND");
  v1::RevokeRequest request;
  request.set_name(Version(1));
  EXPECT_EQ(ReasonOf(Ask(&Lifecycle::Stub::Revoke, request, &revoked_)), "REASON_INVALID");
  request.set_reason(v1::REVOCATION_REASON_CESSATION);
  request.set_name(fakes::kTenant);
  request.set_etag("x");
  EXPECT_EQ(ReasonOf(Ask(&Lifecycle::Stub::Revoke, request, &revoked_)), "ETAG_UNEXPECTED");
  EXPECT_EQ(rig_.keys.States(), "ACTIVE STANDBY");
  ASSERT_TRUE(Revoke(Version(1)).ok());
  EXPECT_EQ(ReasonOf(Revoke(Version(1))), "VERSION_STATE");
}

}  // namespace
}  // namespace sealward::api
