// Keys of purpose RAW over gRPC. If these go, a key that signs any bytes is published as one
// whose JWTs are to be believed, or one for JWTs signs any bytes.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "tests/unit/api/api_rig.h"

namespace sealward::api {
namespace {

using Keys = v1::KeyService;
using Signing = v1::SigningService;

constexpr char kRaw[] = "tenants/a/keys/raw";

v1::CreateKeyRequest RawRequest(v1::Algorithm algorithm = v1::ALGORITHM_ES256) {
  v1::CreateKeyRequest request;
  request.set_parent(fakes::kTenant);
  request.set_key_id("raw");
  request.mutable_key()->set_purpose(v1::KEY_PURPOSE_RAW);
  request.mutable_key()->set_algorithm(algorithm);
  request.mutable_key()->mutable_raw_scope()->mutable_retire_after()->set_seconds(86'400);
  return request;
}

class RawKeyTest : public testing::Test {
 protected:
  grpc::Status Create(const v1::CreateKeyRequest& request, v1::Key* key,
                      const std::string& who = kTenantOperator) {
    return rig_.Call<Keys>(who, &Keys::Stub::CreateKey, request, key);
  }
  v1::Key MustCreate(const v1::CreateKeyRequest& request = RawRequest()) {
    v1::Key key;
    const grpc::Status status = Create(request, &key);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return key;
  }
  grpc::Status SignRaw(const v1::SignRawRequest& request, v1::SignRawResponse* response,
                       const std::string& who = kTenantIssuer) {
    return rig_.Call<Signing>(who, &Signing::Stub::SignRaw, request, response);
  }
  static v1::SignRawRequest OfMessage(const std::string& key) {
    v1::SignRawRequest request;
    request.set_key(key);
    request.set_message("message");
    return request;
  }

  ApiRig rig_;
};

TEST_F(RawKeyTest, IsCreatedWithAScopeOfItsOwn) {
  v1::CreateKeyRequest request = RawRequest();
  request.mutable_key()->mutable_raw_scope()->mutable_propagation_time()->set_seconds(60);
  const v1::Key key = MustCreate(request);
  EXPECT_EQ(key.purpose(), v1::KEY_PURPOSE_RAW);
  EXPECT_EQ(key.signing_version(), absl::StrCat(kRaw, "/versions/1"));
  EXPECT_FALSE(key.has_scope());
  EXPECT_EQ(key.raw_scope().SerializeAsString(), request.key().raw_scope().SerializeAsString());
  const auto restarted = *catalog::Catalog::Load(rig_.keys.store.get());
  const auto stored = restarted->Get()->keys.at(kRaw);
  EXPECT_EQ(stored->max_jwt_lifetime, absl::Hours(24));
  EXPECT_EQ(stored->issuer->propagation_time, absl::Minutes(1));
}

TEST_F(RawKeyTest, APreviewMakesNothing) {
  v1::CreateKeyRequest request = RawRequest();
  request.set_validate_only(true);
  v1::Key key;
  ASSERT_TRUE(Create(request, &key).ok());
  EXPECT_EQ(key.raw_scope().retire_after().seconds(), 86'400);
  EXPECT_EQ(rig_.keys.partition.key_pairs_made(), 0);
}

// Two scopes, or the other purpose's, would leave open what the key may say.
TEST_F(RawKeyTest, EachPurposeHasItsOwnScope) {
  v1::Key key;
  v1::CreateKeyRequest both = RawRequest();
  both.mutable_key()->mutable_scope()->set_issuer(fakes::kIssuer);
  EXPECT_EQ(ReasonOf(Create(both, &key)), "SCOPE_INVALID");
  v1::CreateKeyRequest jwt = RawRequest();
  jwt.mutable_key()->set_purpose(v1::KEY_PURPOSE_JWT);
  EXPECT_EQ(ReasonOf(Create(jwt, &key)), "SCOPE_INVALID");
  for (const int64_t seconds : {int64_t{0}, int64_t{-1}, int64_t{400'000'000}}) {
    v1::CreateKeyRequest request = RawRequest();
    request.mutable_key()->mutable_raw_scope()->mutable_retire_after()->set_seconds(seconds);
    EXPECT_EQ(ReasonOf(Create(request, &key)), "SCOPE_INVALID") << seconds;
  }
  v1::CreateKeyRequest slow = RawRequest();
  slow.mutable_key()->mutable_raw_scope()->mutable_propagation_time()->set_seconds(8 * 86'400);
  EXPECT_EQ(ReasonOf(Create(slow, &key)), "SCOPE_INVALID");
  v1::CreateKeyRequest none = RawRequest();
  none.mutable_key()->set_purpose(v1::KEY_PURPOSE_UNSPECIFIED);
  EXPECT_EQ(ReasonOf(Create(none, &key)), "PURPOSE_INVALID");
}

TEST_F(RawKeyTest, StandsInNoJwks) {
  MustCreate();
  ASSERT_TRUE(rig_.keys.manager->CreateKey(fakes::KeyRig::NewKey(), absl::InfiniteFuture()).ok());
  const auto snapshot = rig_.keys.catalog->Get();
  const std::string kid = rig_.keys.Key(kRaw)->versions[0]->jwk.kid();
  for (const auto& [issuer, keys] : snapshot->keys_of_issuer) {
    for (const auto& key : keys) EXPECT_EQ(key->name == kRaw, issuer == kRaw);
  }
  for (const auto& [name, issuer] : snapshot->issuers) {
    const auto keys = snapshot->keys_of_issuer.find(name);
    if (keys == snapshot->keys_of_issuer.end()) continue;
    for (const auto& key : keys->second) EXPECT_NE(key->versions[0]->jwk.kid(), kid);
  }
}

TEST_F(RawKeyTest, SignsForItsIssuersAlone) {
  MustCreate();
  v1::SignRawResponse response;
  ASSERT_TRUE(SignRaw(OfMessage(kRaw), &response).ok());
  EXPECT_EQ(response.kid(), rig_.keys.Key(kRaw)->versions[0]->jwk.kid());
  EXPECT_EQ(response.signature().size(), 64U);
  // Not yours, and not there: the same bytes.
  const grpc::Status stranger = SignRaw(OfMessage(kRaw), &response, kStranger);
  const grpc::Status nothing = SignRaw(OfMessage("tenants/a/keys/none"), &response, kStranger);
  EXPECT_EQ(stranger.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(stranger.error_message(), nothing.error_message());
}

TEST_F(RawKeyTest, EachDoorTakesItsOwnKeys) {
  MustCreate();
  const auto web = rig_.keys.manager->CreateKey(fakes::KeyRig::NewKey(), absl::InfiniteFuture());
  ASSERT_TRUE(web.ok());
  v1::SignRawResponse raw;
  EXPECT_EQ(ReasonOf(SignRaw(OfMessage(fakes::kKey), &raw)), "PURPOSE_MISMATCH");
  v1::SignJwtRequest claims;
  claims.set_key(kRaw);
  claims.set_claims("{}");
  v1::SignJwtResponse jwt;
  EXPECT_EQ(ReasonOf(rig_.Call<Signing>(kTenantIssuer, &Signing::Stub::SignJwt, claims, &jwt)),
            "PURPOSE_MISMATCH");
  claims.set_signing_input("e30.e30");
  EXPECT_EQ(ReasonOf(rig_.Call<Signing>(kTenantIssuer, &Signing::Stub::SignJwt, claims, &jwt)),
            "PURPOSE_MISMATCH");
}

TEST_F(RawKeyTest, InABatchEachHasItsOwnAnswer) {
  MustCreate();
  v1::BatchSignRawRequest request;
  *request.add_requests() = OfMessage(kRaw);
  *request.add_requests() = OfMessage("tenants/b/keys/raw");
  request.add_requests()->set_key(kRaw);
  v1::BatchSignRawResponse response;
  ASSERT_TRUE(
      rig_.Call<Signing>(kTenantIssuer, &Signing::Stub::BatchSignRaw, request, &response).ok());
  ASSERT_EQ(response.results_size(), 3);
  EXPECT_EQ(response.results(0).response().signature().size(), 64U);
  EXPECT_EQ(response.results(1).error().code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(response.results(2).error().code(), grpc::StatusCode::INVALID_ARGUMENT);
  v1::BatchSignRawRequest many;
  for (int i = 0; i <= kMaxBatchSize; ++i) *many.add_requests() = OfMessage(kRaw);
  for (const v1::BatchSignRawRequest& batch : {v1::BatchSignRawRequest(), many}) {
    EXPECT_EQ(
        ReasonOf(rig_.Call<Signing>(kTenantIssuer, &Signing::Stub::BatchSignRaw, batch, &response)),
        "BATCH_SIZE_INVALID");
  }
}

// An issuer keeps the key for so long: longer, and it builds with a kid that signs no more.
TEST_F(RawKeyTest, ASigningKeyHoldsForAMinuteOrUntilTheNextSwitch) {
  v1::CreateKeyRequest request = RawRequest();
  request.mutable_key()->mutable_raw_scope()->mutable_propagation_time()->set_seconds(5);
  MustCreate(request);
  const auto refresh = [&] {
    v1::GetSigningKeyRequest ask;
    ask.set_key(kRaw);
    v1::SigningKey key;
    EXPECT_TRUE(rig_.Call<Signing>(kTenantIssuer, &Signing::Stub::GetSigningKey, ask, &key).ok());
    return absl::FromUnixSeconds(key.refresh_time().seconds()) +
           absl::Nanoseconds(key.refresh_time().nanos());
  };
  EXPECT_EQ(refresh(), rig_.keys.clock.Now() + kMaxSigningKeyAge);
  rig_.keys.driver->RunPass();  // the successor
  ASSERT_TRUE(rig_.keys.manager
                  ->RotateKey(
                      kRaw, [](const catalog::Key&) { return true; }, absl::InfiniteFuture())
                  .ok());
  const auto key = rig_.keys.catalog->Get()->keys.at(kRaw);
  const absl::Time change = key->versions.back()->times.activate;
  ASSERT_LT(change, rig_.keys.clock.Now() + kMaxSigningKeyAge);
  EXPECT_EQ(refresh(), change);
}

// Behind a lagging lifecycle clock the switch comes when that gets there: an issuer that went by
// the system's would have a kid that does not sign yet, or no longer.
TEST(SigningKeyRefreshTimeTest, IsAsFarAwayAsTheChangeIsInLifecycleTime) {
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  const absl::Time lagging = now - absl::Minutes(4);
  EXPECT_EQ(SigningKeyRefreshTime(now, lagging, lagging + absl::Seconds(5)),
            now + absl::Seconds(5));
  EXPECT_EQ(SigningKeyRefreshTime(now, lagging, absl::InfiniteFuture()), now + kMaxSigningKeyAge);
}

// Nobody's cache says when a stolen RAW key is trusted no more: that has to be said.
TEST_F(RawKeyTest, ARevocationSaysThatItsVerifiersHaveToBeTold) {
  MustCreate();
  v1::RevokeRequest request;
  request.set_name(absl::StrCat(kRaw, "/versions/1"));
  request.set_reason(v1::REVOCATION_REASON_KEY_COMPROMISE);
  request.set_activate_unready(true);
  v1::RevokeResponse response;
  const grpc::Status status = rig_.Call<v1::LifecycleService>(
      kTenantOperator, &v1::LifecycleService::Stub::Revoke, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.versions_size(), 1);
  ASSERT_EQ(response.versions(0).exposures_size(), 1);
  EXPECT_TRUE(response.versions(0).exposures(0).unbounded());
  EXPECT_FALSE(response.versions(0).has_live_jwts_until());
}

// The owner learns what the choice costs, and may make it.
TEST_F(RawKeyTest, AnAlgorithmThatNarrowsTheAudienceOfJwtsIsWarnedOf) {
  v1::CreateKeyRequest request;
  request.set_parent(fakes::kTenant);
  request.set_key_id("web");
  request.mutable_key()->set_purpose(v1::KEY_PURPOSE_JWT);
  request.mutable_key()->set_algorithm(v1::ALGORITHM_EDDSA_ED25519);
  request.mutable_key()->mutable_scope()->set_issuer(fakes::kIssuer);
  request.mutable_key()->mutable_scope()->add_audiences("mail");
  request.set_validate_only(true);
  v1::Key key;
  ASSERT_TRUE(Create(request, &key).ok());
  ASSERT_EQ(key.warnings_size(), 1);
  EXPECT_TRUE(absl::StrContains(key.warnings(0), "EdDSA narrows the audience"));
  request.mutable_key()->set_algorithm(v1::ALGORITHM_ES256);
  ASSERT_TRUE(Create(request, &key).ok());
  EXPECT_EQ(key.warnings_size(), 0);
  v1::CreateKeyRequest raw = RawRequest(v1::ALGORITHM_EDDSA_ED25519);
  raw.set_validate_only(true);
  ASSERT_TRUE(Create(raw, &key).ok());
  EXPECT_EQ(key.warnings_size(), 0);  // its verifiers are its owner's own
}

}  // namespace
}  // namespace sealward::api
