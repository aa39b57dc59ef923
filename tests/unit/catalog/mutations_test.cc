#include "server/catalog/mutations.h"

#include <gmock/gmock.h>

#include "common/errors.h"
#include "tests/unit/catalog/catalog_fixture.h"

namespace sealward::catalog {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

#define EXPECT_ABORTED(expression) \
  EXPECT_EQ((expression).status().code(), absl::StatusCode::kAborted)

TEST_F(CatalogTest, CommittedChangesAreSeenAtOnce) {
  AddTenant();
  const auto issuer = AddIssuer();
  EXPECT_EQ(issuer->issuer_url, "https://main.example/acme");
  const auto key = AddKey();
  EXPECT_EQ(key->issuer->name, issuer->name);
  ASSERT_EQ(key->versions.size(), 1U);
  EXPECT_EQ(lifecycle::StateAt(key->versions[0]->times, kStart), lifecycle::State::kPending);
  EXPECT_THAT(key->versions[0]->header_segments, IsEmpty());
  EXPECT_THAT(Now()->keys_of_issuer.at(issuer->name), ElementsAre(key));
  EXPECT_EQ(Now()->revision, *store().Revision());
}

TEST_F(CatalogTest, NothingIsCreatedTwice) {
  const auto tenant = AddTenant();
  const auto issuer = AddIssuer();
  AddKey();
  EXPECT_ABORTED(catalog().Commit(CreateTenant(MakeTenant("acme"))));
  EXPECT_ABORTED(catalog().Commit(CreateIssuer(*tenant, MakeIssuer("acme", "main"))));
  EXPECT_ABORTED(catalog().Commit(CreateKey(*GetKey(), MakePending(1))));
}

// Two issuers with one URL could not be told apart by any validator.
TEST_F(CatalogTest, UrlBelongsToOneIssuer) {
  AddTenant();
  AddIssuer();
  const auto other = AddTenant("other");
  Issuer thief = MakeIssuer("other", "main");
  thief.issuer_url = "https://main.example/acme";
  EXPECT_ABORTED(catalog().Commit(CreateIssuer(*other, thief)));
  EXPECT_FALSE(Now()->issuers.contains(thief.name));
}

// On an issuer that is not shared a JWT of one key could pass as another's.
TEST_F(CatalogTest, TwoCallersCannotBothGiveAnIssuerItsOneKey) {
  AddTenant();
  const auto seen = AddIssuer();
  Do(CreateKey(MakeKey(seen, "one"), MakePending(1)));
  EXPECT_ABORTED(catalog().Commit(CreateKey(MakeKey(seen, "two"), MakePending(1))));
}

TEST_F(CatalogTest, SharedIssuerTakesKeysOfConcurrentCallers) {
  AddTenant();
  const auto seen = AddIssuer("main", true);
  Do(CreateKey(MakeKey(seen, "two"), MakePending(1)));
  Do(CreateKey(MakeKey(seen, "one"), MakePending(1)));
  EXPECT_THAT(Now()->keys_of_issuer.at(seen->name), ElementsAre(GetKey("one"), GetKey("two")));
}

TEST_F(CatalogTest, CompletingAVersionPublishesTheIssuer) {
  AddTenant();
  AddIssuer();
  const auto seen = AddKey();
  EXPECT_TRUE(CachePolicyOf(*seen).never_published);
  EXPECT_EQ(CachePolicyOf(*seen).propagation_time, absl::Minutes(20));
  EXPECT_EQ(CachePolicyOf(*seen).max_jwt_lifetime, absl::Hours(1));
  const auto times = lifecycle::TimesOfNewVersion(CourseOf(*seen, 10), 0, kStart);
  Do(CompleteVersion(*seen, Completed(*seen->versions[0], times)));
  const auto now = GetKey();
  EXPECT_EQ(now->issuer->first_publish_time, kStart);
  EXPECT_EQ(now->issuer, Now()->issuers.at(now->issuer->name));
  EXPECT_FALSE(CachePolicyOf(*now).never_published);
  EXPECT_THAT(TimesOf(*now), ElementsAre(times));
  EXPECT_EQ(now->versions[0]->header_segments.size(), 2U);
  EXPECT_GT(now->mod_revision, seen->mod_revision);
}

// first_publish_time is when caches may have begun to fill; a later version must not move it.
TEST_F(CatalogTest, FirstPublishTimeIsSetOnce) {
  AddTenant();
  AddIssuer();
  auto key = AddKey();
  Do(CompleteVersion(*key, Completed(*key->versions[0], {kStart, kStart, kStart})));
  key = GetKey();
  Do(AddVersion(*key, MakePending(2)));
  key = GetKey();
  EXPECT_EQ(key->last_version, 2);
  const absl::Time later = kStart + absl::Hours(1);
  Do(CompleteVersion(*key, Completed(*key->versions[1], {later, later + absl::Minutes(20)})));
  EXPECT_EQ(GetKey()->issuer->first_publish_time, kStart);
  EXPECT_EQ(GetKey()->versions.size(), 2U);
}

// Two keys of one issuer that both believe to be the first would both skip the wait.
TEST_F(CatalogTest, OnlyOneFirstVersionSkipsTheWait) {
  AddTenant();
  AddIssuer("main", true);
  const auto one = AddKey("one");
  const auto two = AddKey("two");
  Do(CompleteVersion(*one, Completed(*one->versions[0], {kStart, kStart, kStart})));
  EXPECT_ABORTED(catalog().Commit(
      CompleteVersion(*two, Completed(*two->versions[0], {kStart, kStart, kStart}))));
}

TEST_F(CatalogTest, SwitchRewritesBothVersionsAtOnce) {
  AddTenant();
  AddIssuer();
  auto key = AddKey();
  Do(CompleteVersion(*key, Completed(*key->versions[0], {kStart, kStart, kStart})));
  Do(AddVersion(*GetKey(), MakePending(2)));
  key = GetKey();
  Do(CompleteVersion(*key, Completed(*key->versions[1], {kStart, kStart + absl::Minutes(20)})));
  key = GetKey();
  const absl::Time now = kStart + absl::Hours(1);
  const auto planned = lifecycle::PlanRotation(CourseOf(*key, 10), now);
  ASSERT_TRUE(planned);
  Do(ReplaceVersions(*key, WithTimes(*key, planned->versions)));
  const auto after = GetKey();
  EXPECT_THAT(TimesOf(*after), ElementsAre(planned->versions[*planned->predecessor],
                                           planned->versions[planned->successor]));
  EXPECT_EQ(lifecycle::SigningVersionAt(TimesOf(*after), now), 1U);
  EXPECT_EQ(after->versions[0]->spki, key->versions[0]->spki);
  // Nobody may plan on what the key was before.
  EXPECT_ABORTED(catalog().Commit(ReplaceVersions(*key, WithTimes(*key, planned->versions))));
  EXPECT_ABORTED(catalog().Commit(AddVersion(*key, MakePending(3))));
  EXPECT_ABORTED(catalog().Commit(CompleteVersion(*key, *key->versions[1])));
}

TEST_F(CatalogTest, BindingsAreFoundByPrincipal) {
  const auto tenant = AddTenant();
  Do(CreateBinding(nullptr, MakeBinding("", "b", "p", v1::ROLE_VIEWER)));
  Do(CreateBinding(tenant.get(), MakeBinding("tenants/acme", "a", "p", v1::ROLE_OPERATOR)));
  Do(CreateBinding(nullptr, MakeBinding("", "c", "q", v1::ROLE_VIEWER)));
  ASSERT_EQ(Now()->bindings.at("p").size(), 2U);
  EXPECT_EQ(Now()->bindings.at("p")[0]->name, "roleBindings/b");
  EXPECT_EQ(Now()->bindings.at("p")[1]->tenant, "tenants/acme");
  EXPECT_ABORTED(
      catalog().Commit(CreateBinding(nullptr, MakeBinding("", "b", "other", v1::ROLE_ADMIN))));

  const auto seen = FindBinding(*Now(), "roleBindings/c");
  ASSERT_NE(seen, nullptr);
  Do(*DeleteBinding(*Now(), *seen));
  EXPECT_FALSE(Now()->bindings.contains("q"));
  EXPECT_EQ(FindBinding(*Now(), "roleBindings/c"), nullptr);
  EXPECT_ABORTED(catalog().Commit(*DeleteBinding(*Now(), *seen)));
}

// A service without an admin could only be recovered by hand in its store.
TEST_F(CatalogTest, LastAdminStays) {
  Do(CreateBinding(nullptr, MakeBinding("", "first-admin", "p", v1::ROLE_ADMIN)));
  Do(CreateBinding(nullptr, MakeBinding("", "viewer", "p", v1::ROLE_VIEWER)));
  const auto admin = FindBinding(*Now(), "roleBindings/first-admin");
  const auto refused = DeleteBinding(*Now(), *admin);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(refused.status()), "LAST_ADMIN");
  Do(*DeleteBinding(*Now(), *FindBinding(*Now(), "roleBindings/viewer")));
}

TEST_F(CatalogTest, TwoAdminsCannotRemoveEachOther) {
  Do(CreateBinding(nullptr, MakeBinding("", "one", "p", v1::ROLE_ADMIN)));
  Do(CreateBinding(nullptr, MakeBinding("", "two", "q", v1::ROLE_ADMIN)));
  const auto seen = Now();
  const auto remove_one = DeleteBinding(*seen, *FindBinding(*seen, "roleBindings/one"));
  const auto remove_two = DeleteBinding(*seen, *FindBinding(*seen, "roleBindings/two"));
  ASSERT_TRUE(remove_one.ok() && remove_two.ok());
  Do(*remove_one);
  EXPECT_ABORTED(catalog().Commit(*remove_two));
  EXPECT_TRUE(Now()->bindings.contains("q"));
}

}  // namespace
}  // namespace sealward::catalog
