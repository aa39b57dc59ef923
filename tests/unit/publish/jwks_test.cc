// If these go, a key signs before validators can have it, or stays in the JWKS
// after it was withdrawn, or the set holds something that is no public member.
#include "server/publish/jwks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "common/errors.h"
#include "server/publish/discovery.h"
#include "tests/unit/publish/catalog_fixture.h"

namespace sealward::publish {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using testing::kStart;
using testing::MakeIssuer;
using testing::MakeKey;
using testing::MakeVersion;
using testing::Times;

absl::Time Minute(int minutes) { return kStart + absl::Minutes(minutes); }

std::vector<std::string> Kids(const Document& document) {
  std::vector<std::string> kids;
  const json parsed = json::parse(document.body);
  for (const json& jwk : parsed.at("keys")) kids.push_back(jwk.at("kid"));
  return kids;
}

// The whole life of a key and its successor, looked at just before and at each
// stored time.
class JwksOverTime : public ::testing::Test {
 protected:
  const catalog::Issuer issuer_ = MakeIssuer();
  const testing::Keys keys_ = {MakeKey("k", {MakeVersion(1, "one", Times(10, 30, 30, 100, 160)),
                                             MakeVersion(2, "two", Times(40, 60, 100, -1, -1))})};

  absl::StatusOr<Document> At(absl::Time now) { return BuildJwks(issuer_, keys_, now); }
  void ExpectKids(absl::Time now, const std::vector<std::string>& kids) {
    const auto document = At(now);
    ASSERT_TRUE(document.ok()) << document.status();
    EXPECT_EQ(Kids(*document), kids) << now;
  }
};

TEST_F(JwksOverTime, NothingAppearsBeforeItIsPublished) {
  for (const absl::Time before : {kStart, Minute(10) - absl::Nanoseconds(1)}) {
    EXPECT_EQ(At(before).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(ErrorReason(At(before).status()), "NOTHING_PUBLISHED");
  }
  ExpectKids(Minute(10), {"one"});
  ExpectKids(Minute(40) - absl::Nanoseconds(1), {"one"});
  ExpectKids(Minute(40), {"one", "two"});
}

// A caches needs the next key before it signs, and the last one while its JWTs live.
TEST_F(JwksOverTime, BothKeysAreThereAroundTheSwitch) {
  ExpectKids(Minute(60), {"one", "two"});
  ExpectKids(Minute(100) - absl::Nanoseconds(1), {"one", "two"});
  ExpectKids(Minute(100), {"one", "two"});
  ExpectKids(Minute(160) - absl::Nanoseconds(1), {"one", "two"});
}

TEST_F(JwksOverTime, AVersionIsGoneAtItsWithdrawal) { ExpectKids(Minute(160), {"two"}); }

// A document that outlived a change would publish the wrong set; one that ended
// early would only cost a rebuild.
TEST_F(JwksOverTime, ExpiresAtTheNextStateChange) {
  const std::vector<int> changes = {30, 40, 60, 100, 160};
  int from = 10;
  for (const int next : changes) {
    EXPECT_EQ(At(Minute(from))->expires, Minute(next)) << from;
    EXPECT_EQ(At(Minute(next) - absl::Nanoseconds(1))->expires, Minute(next)) << next;
    from = next;
  }
  EXPECT_EQ(At(Minute(160))->expires, absl::InfiniteFuture());
}

// Between two changes of the set the bytes stay, so that caches may keep theirs.
TEST_F(JwksOverTime, SameSetSameBytesAndEtag) {
  EXPECT_EQ(At(Minute(40))->body, At(Minute(159))->body);
  EXPECT_EQ(At(Minute(40))->etag, At(Minute(159))->etag);
  EXPECT_NE(At(Minute(39))->etag, At(Minute(40))->etag);
  EXPECT_NE(At(Minute(159))->etag, At(Minute(160))->etag);
}

// propagation_time and retention rest on max_age being what the issuer promised.
TEST_F(JwksOverTime, MaxAgeIsTheIssuersAlsoRightBeforeAChange) {
  for (const int minutes : {10, 39, 40, 99, 159, 200}) {
    EXPECT_EQ(At(Minute(minutes))->max_age, absl::Seconds(300)) << minutes;
  }
}

TEST(Jwks, NeverAnEmptySet) {
  const catalog::Issuer issuer = MakeIssuer();
  const testing::Keys withdrawn = {MakeKey("k", {MakeVersion(1, "one", Times(1, 2, 2, 3, 4))})};
  EXPECT_TRUE(absl::IsNotFound(BuildJwks(issuer, {}, kStart).status()));
  EXPECT_TRUE(absl::IsNotFound(BuildJwks(issuer, withdrawn, Minute(4)).status()));
  EXPECT_TRUE(absl::IsNotFound(BuildDiscovery(issuer, withdrawn, "https://x", Minute(4)).status()));
}

TEST(Jwks, HasExactlyThePublicMembers) {
  const testing::Keys keys = {
      MakeKey("a", {MakeVersion(1, "ec", Times(0))}),
      MakeKey("b", {MakeVersion(1, "rsa", Times(0), v1::ALGORITHM_RS256_3072)}),
      MakeKey("c", {MakeVersion(1, "okp", Times(0), v1::ALGORITHM_EDDSA_ED25519)})};
  const auto document = BuildJwks(MakeIssuer(), keys, kStart);
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(
      document->body,
      R"({"keys":[)"
      R"({"kty":"EC","crv":"P-256","x":"X-ec","y":"Y-ec","kid":"ec","alg":"ES256","use":"sig"},)"
      R"({"kty":"RSA","n":"N-rsa","e":"AQAB","kid":"rsa","alg":"RS256","use":"sig"},)"
      R"({"kty":"OKP","crv":"Ed25519","x":"X-okp","kid":"okp","alg":"EdDSA","use":"sig"}]})");
}

// The type that publication handles cannot hold a private member (RFC 7518
// section 6: d, p, q, dp, dq, qi, oth, k; AKP: priv). Whoever adds a field to it
// meets this test.
TEST(Jwks, ThePublicTypeHasNoPrivateMember) {
  const std::set<std::string> known = {"kty", "kid", "alg", "use", "crv", "x", "y", "n", "e"};
  const auto* type = v1::PublicJwk::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    EXPECT_TRUE(known.contains(type->field(i)->name())) << type->field(i)->name();
  }
}

// A shared issuer's keys belong to different services: without their audiences
// one service could sign for another.
TEST(Jwks, ASharedIssuersKeysCarryTheirAudiences) {
  const testing::Keys keys = {
      MakeKey("a", {MakeVersion(1, "one", Times(0))}, {"billing", "mail \"x\""}),
      MakeKey("b", {MakeVersion(1, "two", Times(0))}, {"search"})};
  const json shared = json::parse(BuildJwks(MakeIssuer(true), keys, kStart)->body);
  EXPECT_EQ(shared["keys"][0]["sealward_aud"], json({"billing", "mail \"x\""}));
  EXPECT_EQ(shared["keys"][1]["sealward_aud"], json::array({"search"}));
  const json own = json::parse(BuildJwks(MakeIssuer(false), keys, kStart)->body);
  EXPECT_FALSE(own["keys"][0].contains("sealward_aud"));
}

// A version without key pair must not stand there as half a JWK, and a key of
// another purpose not at all.
TEST(Jwks, LeavesOutWhatIsNoPublishedJwtKey) {
  catalog::KeyVersion no_pair = MakeVersion(1, "", Times(0));
  for (const v1::KeyPurpose purpose : {v1::KEY_PURPOSE_RAW, v1::KEY_PURPOSE_UNSPECIFIED}) {
    auto other = std::make_shared<catalog::Key>(*MakeKey("o", {MakeVersion(1, "raw", Times(0))}));
    other->purpose = purpose;
    const testing::Keys keys = {MakeKey("k", {no_pair, MakeVersion(2, "two", Times(0))}), other};
    EXPECT_THAT(Kids(*BuildJwks(MakeIssuer(), keys, kStart)), ElementsAre("two"));
  }
}

TEST(Jwks, EtagIsAQuotedStrongHash) {
  const testing::Keys keys = {MakeKey("k", {MakeVersion(1, "one", Times(0))})};
  const std::string etag = BuildJwks(MakeIssuer(), keys, kStart)->etag;
  EXPECT_THAT(etag, ::testing::MatchesRegex("\"[A-Za-z0-9_-]{43}\""));
}

TEST(Discovery, NamesTheJwksAndTheAlgorithmsInUse) {
  const testing::Keys keys = {
      MakeKey("a", {MakeVersion(1, "one", Times(0), v1::ALGORITHM_RS256_2048),
                    MakeVersion(2, "two", Times(0), v1::ALGORITHM_RS256_4096),
                    MakeVersion(3, "three", Times(5), v1::ALGORITHM_ES256)})};
  const auto document = BuildDiscovery(MakeIssuer(), keys, "https://keys.example.com", kStart);
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(document->body,
            R"({"issuer":"https://id.example.com/acme",)"
            R"("jwks_uri":"https://keys.example.com/tenants/acme/issuers/main/jwks.json",)"
            R"("response_types_supported":["id_token"],"subject_types_supported":["public"],)"
            R"("id_token_signing_alg_values_supported":["RS256"]})");
  EXPECT_EQ(document->expires, Minute(5));
  const auto later = BuildDiscovery(MakeIssuer(), keys, "https://keys.example.com", Minute(5));
  EXPECT_EQ(json::parse(later->body)["id_token_signing_alg_values_supported"],
            json({"ES256", "RS256"}));
}

}  // namespace
}  // namespace sealward::publish
