// If these go, a validator may be handed a set that is no longer true, or every
// request builds one.
#include "server/publish/cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "common/errors.h"
#include "tests/unit/publish/catalog_fixture.h"

namespace sealward::publish {
namespace {

using testing::kIssuerName;
using testing::kStart;
using testing::MakeIssuer;
using testing::MakeKey;
using testing::MakeSnapshot;
using testing::MakeVersion;
using testing::Times;

class DocumentCacheTest : public ::testing::Test {
 protected:
  std::string Body(DocumentKind kind = DocumentKind::kJwks) {
    const auto document = cache_.Get(kIssuerName, kind);
    return document.ok() ? (*document)->body : ErrorReason(document.status());
  }

  testing::ManualClock clock_;
  std::shared_ptr<const catalog::Snapshot> snapshot_ =
      MakeSnapshot(1, MakeIssuer(),
                   {MakeKey("k", {MakeVersion(1, "one", Times(0, 0, 0, 50, 60)),
                                  MakeVersion(2, "two", Times(10, 30, 50))})});
  DocumentCache cache_{[this] { return snapshot_; }, &clock_, "https://keys.example.com"};
};

TEST_F(DocumentCacheTest, BuildsOnceForBothDocuments) {
  EXPECT_TRUE(absl::StrContains(Body(), "one"));
  EXPECT_TRUE(absl::StrContains(Body(DocumentKind::kDiscovery), "jwks_uri"));
  EXPECT_EQ(Body(), Body());
  EXPECT_EQ(cache_.builds(), 1);
}

TEST_F(DocumentCacheTest, BuildsAgainWhenItExpires) {
  Body();
  clock_.Set(kStart + absl::Minutes(10) - absl::Nanoseconds(1));
  EXPECT_FALSE(absl::StrContains(Body(), "two"));
  EXPECT_EQ(cache_.builds(), 1);
  clock_.Set(kStart + absl::Minutes(10));
  EXPECT_TRUE(absl::StrContains(Body(), "two"));
  clock_.Set(kStart + absl::Minutes(60));
  EXPECT_FALSE(absl::StrContains(Body(), "one"));
}

// A revocation or rotation is a commit: the next request must show it.
TEST_F(DocumentCacheTest, BuildsAgainWhenTheCatalogChanges) {
  Body();
  snapshot_ = MakeSnapshot(2, MakeIssuer(), {MakeKey("k", {MakeVersion(3, "three", Times(0))})});
  EXPECT_TRUE(absl::StrContains(Body(), "three"));
  EXPECT_FALSE(absl::StrContains(Body(), "one"));
}

// A commit elsewhere leaves this issuer's documents as they are; one of its own issuer,
// keys or foreign keys does not.
TEST_F(DocumentCacheTest, BuildsAgainOnlyWhatHasChanged) {
  Body();
  const auto change = [this](auto what) {
    auto next = std::make_shared<catalog::Snapshot>(*snapshot_);
    ++next->revision;
    what(*next);
    snapshot_ = next;
    Body();
    return cache_.builds();
  };
  const std::string name(testing::kIssuerName);
  EXPECT_EQ(change([](catalog::Snapshot& next) {
              next.issuers["tenants/acme/issuers/other"] =
                  std::make_shared<const catalog::Issuer>(MakeIssuer());
            }),
            1);
  EXPECT_EQ(change([&](catalog::Snapshot& next) {
              next.issuers[name] = std::make_shared<const catalog::Issuer>(MakeIssuer());
            }),
            2);
  EXPECT_EQ(change([&](catalog::Snapshot& next) {
              next.keys_of_issuer[name] = {MakeKey("k", {MakeVersion(3, "three", Times(0))})};
            }),
            3);
  EXPECT_EQ(change([&](catalog::Snapshot& next) {
              next.foreign_keys[name] = std::make_shared<const ForeignKeys>();
            }),
            4);
  EXPECT_EQ(change([](catalog::Snapshot&) {}), 4);
}

TEST_F(DocumentCacheTest, BuildsAgainWhenTheClockWentBack) {
  clock_.Set(kStart + absl::Minutes(20));
  EXPECT_TRUE(absl::StrContains(Body(), "two"));
  clock_.Set(kStart + absl::Minutes(5));
  EXPECT_FALSE(absl::StrContains(Body(), "two"));
}

// What was cached is not served once there is nothing to publish.
TEST_F(DocumentCacheTest, NothingStaleAfterTheLastKeyIsGone) {
  Body();
  snapshot_ = MakeSnapshot(2, MakeIssuer(), {});
  EXPECT_EQ(Body(), "NOTHING_PUBLISHED");
  snapshot_ = std::make_shared<const catalog::Snapshot>();
  EXPECT_EQ(Body(), "ISSUER_NOT_FOUND");
}

TEST_F(DocumentCacheTest, UnknownIssuersAreNotFound) {
  const auto document = cache_.Get("tenants/acme/issuers/other", DocumentKind::kJwks);
  EXPECT_TRUE(absl::IsNotFound(document.status()));
  EXPECT_EQ(cache_.builds(), 0);
}

// All validators ask at the moment of a change; one build serves them.
TEST_F(DocumentCacheTest, ManyThreadsBuildOnce) {
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this] {
      for (int j = 0; j < 100; ++j) EXPECT_TRUE(absl::StrContains(Body(), "one"));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cache_.builds(), 1);
}

TEST(DocumentCacheBound, KeepsNoMoreThanItsLimit) {
  testing::ManualClock clock;
  auto snapshot = std::make_shared<catalog::Snapshot>();
  const testing::Keys keys = {MakeKey("k", {MakeVersion(1, "one", Times(0))})};
  for (size_t i = 0; i < kMaxCachedIssuers + 5; ++i) {
    catalog::Issuer issuer = MakeIssuer();
    issuer.name = absl::StrCat("tenants/acme/issuers/i", i);
    snapshot->issuers[issuer.name] = std::make_shared<const catalog::Issuer>(issuer);
    snapshot->keys_of_issuer[issuer.name] = keys;
  }
  DocumentCache cache([&] { return snapshot; }, &clock, "https://x");
  for (const auto& [name, issuer] : snapshot->issuers) {
    ASSERT_TRUE(cache.Get(name, DocumentKind::kJwks).ok());
  }
  EXPECT_EQ(cache.size(), kMaxCachedIssuers);
}

}  // namespace
}  // namespace sealward::publish
