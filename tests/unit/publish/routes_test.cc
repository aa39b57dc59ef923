// If these go, the public listener may tell who exists, hand out cacheable
// errors, or miss a validator's path.
#include "server/publish/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/publish/catalog_fixture.h"

namespace sealward::publish {
namespace {

using ::testing::ElementsAre;
using testing::MakeIssuer;
using testing::MakeKey;
using testing::MakeSnapshot;
using testing::MakeVersion;
using testing::Times;

constexpr char kJwks[] = "/tenants/acme/issuers/main/jwks.json";
constexpr char kDiscovery[] = "/tenants/acme/issuers/main/.well-known/openid-configuration";

class PublicHandlerTest : public ::testing::Test {
 protected:
  HttpResponse Get(const std::string& path, const std::string& if_none_match = "") {
    return handler_({path, if_none_match, ""});
  }

  testing::ManualClock clock_;
  std::shared_ptr<const catalog::Snapshot> snapshot_ =
      MakeSnapshot(1, MakeIssuer(), {MakeKey("k", {MakeVersion(1, "one", Times(0))})});
  DocumentCache documents_{[this] { return snapshot_; }, &clock_, "https://keys.example.com"};
  absl::Status ready_;
  std::vector<int> counted_;
  HttpHandler handler_ = MakePublicHandler(
      {&documents_, [this] { return ready_; }, [this](int code) { counted_.push_back(code); }});
};

TEST_F(PublicHandlerTest, ServesJwksAndDiscovery) {
  const HttpResponse jwks = Get(kJwks);
  EXPECT_EQ(jwks.status, 200);
  EXPECT_EQ(jwks.content_type, "application/jwk-set+json");
  EXPECT_EQ(jwks.cache_control, "public, max-age=300");
  EXPECT_TRUE(jwks.any_origin);
  EXPECT_FALSE(jwks.etag.empty());
  const HttpResponse discovery = Get(kDiscovery);
  EXPECT_EQ(discovery.status, 200);
  EXPECT_EQ(discovery.content_type, "application/json");
  EXPECT_TRUE(discovery.any_origin);
  EXPECT_NE(discovery.etag, jwks.etag);
}

TEST_F(PublicHandlerTest, Answers304ForTheSameEtag) {
  const std::string etag = Get(kJwks).etag;
  const HttpResponse same = Get(kJwks, etag);
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(same.etag, etag);
  EXPECT_EQ(same.cache_control, "public, max-age=300");
  EXPECT_TRUE(same.any_origin);
  EXPECT_EQ(Get(kJwks, "\"other\"").status, 200);
  EXPECT_THAT(counted_, ElementsAre(200, 304, 200));
}

// Names that do not exist, that are not published yet and that are no names: one
// answer, or else the listener says who our tenants are.
TEST_F(PublicHandlerTest, AllThatIsNotThereLooksTheSame) {
  catalog::Issuer unpublished = MakeIssuer();
  unpublished.name = "tenants/acme/issuers/empty";
  auto snapshot = std::make_shared<catalog::Snapshot>(*snapshot_);
  snapshot->revision = 2;
  snapshot->issuers[unpublished.name] = std::make_shared<const catalog::Issuer>(unpublished);
  snapshot_ = snapshot;
  const HttpResponse nothing = Get("/nothing");
  EXPECT_EQ(nothing.status, 404);
  EXPECT_EQ(nothing.cache_control, "no-store");
  EXPECT_EQ(nothing.etag, "");
  for (const char* path :
       {"/tenants/acme/issuers/empty/jwks.json", "/tenants/acme/issuers/other/jwks.json",
        "/tenants/other/issuers/main/jwks.json", "/tenants/acme/issuers/main/jwks.json/",
        "/tenants/acme/issuers/main", "/tenants/acme/issuers/MAIN/jwks.json",
        "//tenants/acme/issuers/main/jwks.json", "/tenants/acme/issuers/%6dain/jwks.json",
        "/x/../tenants/acme/issuers/main/jwks.json", "/jwks.json", "jwks.json", "/", "", "*",
        "/.well-known/openid-configuration", "/metrics"}) {
    const HttpResponse response = Get(path, "*");
    EXPECT_EQ(response.status, nothing.status) << path;
    EXPECT_EQ(response.body, nothing.body) << path;
    EXPECT_EQ(response.content_type, nothing.content_type) << path;
    EXPECT_EQ(response.cache_control, nothing.cache_control) << path;
    EXPECT_EQ(response.any_origin, nothing.any_origin) << path;
    EXPECT_EQ(response.etag, nothing.etag) << path;
  }
}

TEST_F(PublicHandlerTest, LivesWithoutBeingReady) {
  EXPECT_EQ(Get("/livez").status, 200);
  EXPECT_EQ(Get("/readyz").status, 200);
  ready_ = absl::UnavailableError("no sealward-hsm process is ready");
  EXPECT_EQ(Get("/livez").status, 200);
  EXPECT_EQ(Get("/readyz").status, 503);
  EXPECT_EQ(Get("/readyz").body, "not ready\n");  // and not why
  EXPECT_EQ(Get(kJwks).status, 200);              // also when the HSM is down
}

TEST(MetricsHandler, AnswersOnlyWhoIsAllowed) {
  const HttpHandler handler =
      MakeMetricsHandler({[](absl::string_view principal) { return principal == "spiffe://t/v"; },
                          [] { return std::string("up 1\n"); }});
  EXPECT_EQ(handler({"/metrics", "", "spiffe://t/v"}).body, "up 1\n");
  EXPECT_EQ(handler({"/metrics", "", "spiffe://t/other"}).status, 403);
  EXPECT_EQ(handler({"/metrics", "", ""}).status, 403);
  EXPECT_EQ(handler({"/else", "", ""}).status, 403);
  EXPECT_EQ(handler({"/else", "", "spiffe://t/v"}).status, 404);
}

struct EtagCase {
  const char* header;
  bool covers;
};

TEST(CoversEtag, FollowsRfc9110) {
  for (const auto& [header, covers] : std::vector<EtagCase>{{"\"abc\"", true},
                                                            {"*", true},
                                                            {" * ", true},
                                                            {"W/\"abc\"", true},
                                                            {"\"x\", \"abc\"", true},
                                                            {"\"x\",W/\"abc\" ,\"y\"", true},
                                                            {"\"a,b\", \"abc\"", true},
                                                            {"", false},
                                                            {"abc", false},
                                                            {"\"abc", false},
                                                            {"\"abcd\"", false},
                                                            {"\"ABC\"", false},
                                                            {"\"x\" \"abc\"", false},
                                                            {"w/\"abc\"", false},
                                                            {"\"x\",", false}}) {
    EXPECT_EQ(CoversEtag(header, "\"abc\""), covers) << header;
  }
  EXPECT_FALSE(CoversEtag("*", ""));
}

}  // namespace
}  // namespace sealward::publish
