#include "server/catalog/catalog.h"

#include <gmock/gmock.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <atomic>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/catalog/layout.h"
#include "server/catalog/records.h"
#include "tests/unit/catalog/catalog_fixture.h"

namespace sealward::catalog {
namespace {

TEST_F(CatalogTest, EmptyStoreIsAnEmptySnapshot) {
  ASSERT_NE(Now(), nullptr);
  EXPECT_EQ(Now()->revision, 0);
  EXPECT_TRUE(Now()->tenants.empty());
}

// Readers keep a snapshot for as long as a request lasts: it must not move under them.
TEST_F(CatalogTest, SnapshotsAreImmutable) {
  AddTenant();
  AddIssuer("main", true);
  const auto key = AddKey();
  Do(CreateBinding(nullptr, MakeBinding("", "b", "p", v1::ROLE_ADMIN)));
  const auto before = Now();
  const std::string text = Describe(*before);
  Do(CompleteVersion(*key, Completed(*key->versions[0], {kStart, kStart, kStart})));
  AddKey("second");
  AddTenant("other");
  Do(CreateBinding(nullptr, MakeBinding("", "c", "p", v1::ROLE_VIEWER)));
  Do(*DeleteBinding(*Now(), *FindBinding(*Now(), "roleBindings/c")));
  EXPECT_EQ(Describe(*before), text);
  EXPECT_NE(Describe(*Now()), text);
}

// What did not change is shared: a rotation in one tenant must not cost the memory of all.
TEST_F(CatalogTest, UnchangedPartsAreShared) {
  AddTenant();
  AddIssuer("main", true);
  const auto one = AddKey("one");
  const auto two = AddKey("two");
  Do(AddVersion(*one, MakePending(2)));
  EXPECT_EQ(GetKey("two"), two);
  EXPECT_NE(GetKey("one"), one);
  EXPECT_EQ(GetKey("one")->issuer, one->issuer);
  EXPECT_EQ(GetKey("one")->versions[0], one->versions[0]);
}

// A change of the issuer reaches every key that points at it.
TEST_F(CatalogTest, IssuerChangeReachesItsKeys) {
  AddTenant();
  Issuer issuer = *AddIssuer("main", true);
  AddKey("one");
  AddKey("two");
  issuer.propagation_time = absl::Hours(2);
  WriteRaw(IssuerRecordKey(issuer.name), SerializeIssuer(issuer));
  ASSERT_TRUE(catalog().CatchUp().ok());
  for (const char* id : {"one", "two"}) {
    EXPECT_EQ(GetKey(id)->issuer->propagation_time, absl::Hours(2));
    EXPECT_EQ(GetKey(id)->issuer, Now()->issuers.at(issuer.name));
  }
  EXPECT_EQ(Now()->keys_of_issuer.at(issuer.name)[1], GetKey("two"));
}

TEST_F(CatalogTest, CatchUpShowsWhatOthersCommitted) {
  AddTenant();
  auto other = Load();
  ASSERT_TRUE(other.ok());
  ASSERT_TRUE((*other)->Commit(CreateTenant(MakeTenant("theirs"))).ok());
  EXPECT_FALSE(Now()->tenants.contains("tenants/theirs"));
  ASSERT_TRUE(catalog().CatchUp().ok());
  EXPECT_TRUE(Now()->tenants.contains("tenants/theirs"));
  EXPECT_EQ(Now()->revision, *store().Revision());
  const auto same = Now();
  ASSERT_TRUE(catalog().CatchUp().ok());
  EXPECT_EQ(Now(), same);
}

// Longer away than changes are kept: the catalog starts over, and notices deletions too.
TEST_F(CatalogTest, FollowsAcrossCompaction) {
  AddTenant();
  Do(CreateBinding(nullptr, MakeBinding("", "b", "p", v1::ROLE_VIEWER)));
  WriteRaw(BindingRecordKey("roleBindings/b"), std::nullopt);
  for (int i = 0; i < 60; ++i) WriteRaw("elsewhere", absl::StrCat(i));
  WriteRaw(TenantRecordKey("tenants/late"), SerializeTenant(MakeTenant("late")));
  ASSERT_TRUE(catalog().CatchUp().ok());
  EXPECT_TRUE(Now()->tenants.contains("tenants/late"));
  EXPECT_FALSE(Now()->bindings.contains("p"));
  EXPECT_EQ(Describe(*Now()), Describe(*(*Load())->Get()));
}

// A binding that was rewritten must not leave its role with who had it before.
TEST_F(CatalogTest, RewrittenBindingMovesToItsPrincipal) {
  Do(CreateBinding(nullptr, MakeBinding("", "b", "old", v1::ROLE_ADMIN)));
  WriteRaw(BindingRecordKey("roleBindings/b"),
           SerializeBinding(MakeBinding("", "b", "new", v1::ROLE_VIEWER)));
  ASSERT_TRUE(catalog().CatchUp().ok());
  EXPECT_FALSE(Now()->bindings.contains("old"));
  ASSERT_EQ(Now()->bindings.at("new").size(), 1U);
  EXPECT_EQ(Now()->bindings.at("new")[0]->role, v1::ROLE_VIEWER);
}

// A restored or repaired store may lack what was there before.
TEST_F(CatalogTest, DeletedRecordsDisappear) {
  AddTenant();
  AddTenant("gone");
  WriteRaw(TenantRecordKey("tenants/gone"), std::nullopt);
  ASSERT_TRUE(catalog().CatchUp().ok());
  EXPECT_FALSE(Now()->tenants.contains("tenants/gone"));
  EXPECT_TRUE(Now()->tenants.contains("tenants/acme"));
}

TEST_F(CatalogTest, LoadsMoreThanOnePage) {
  for (int batch = 0; batch < 21; ++batch) {
    store::Transaction transaction;
    for (int i = 0; i < 100; ++i) {
      const Tenant tenant = MakeTenant(absl::StrCat("t", batch * 100 + i));
      transaction.operations.push_back({TenantRecordKey(tenant.name), SerializeTenant(tenant)});
    }
    ASSERT_TRUE(store().Commit(transaction).ok());
  }
  const auto loaded = Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ((*loaded)->Get()->tenants.size(), 2100U);
  ASSERT_TRUE(catalog().CatchUp().ok());  // the same by following
  EXPECT_EQ(Describe(*Now()), Describe(*(*loaded)->Get()));
}

// Readers must never see time run backwards, nor their own commit missing.
TEST_F(CatalogTest, RevisionsGrowUnderConcurrentCommits) {
  std::atomic<bool> stop = false;
  std::thread reader([&] {
    int64_t last = 0;
    size_t tenants = 0;
    while (!stop) {
      const auto snapshot = Now();
      EXPECT_GE(snapshot->revision, last);
      EXPECT_GE(snapshot->tenants.size(), tenants);
      last = snapshot->revision;
      tenants = snapshot->tenants.size();
    }
  });
  std::vector<std::thread> writers;
  writers.reserve(4);
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < 25; ++i) {
        const std::string id = absl::StrCat("t", w, "-", i);
        const auto done = catalog().Commit(CreateTenant(MakeTenant(id)));
        ASSERT_TRUE(done.ok()) << done.status();
        const auto snapshot = Now();
        EXPECT_GE(snapshot->revision, *done);
        EXPECT_TRUE(snapshot->tenants.contains("tenants/" + id));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  stop = true;
  reader.join();
  EXPECT_EQ(Now()->tenants.size(), 100U);
}

// A load that runs beside commits must end with all of them.
TEST_F(CatalogTest, LoadsBesideCommits) {
  AddTenant();
  std::thread writer([&] {
    for (int i = 0; i < 40; ++i) {
      EXPECT_TRUE(catalog().Commit(CreateTenant(MakeTenant(absl::StrCat("t", i)))).ok());
    }
  });
  for (int i = 0; i < 20; ++i) {
    const int64_t before = *store().Revision();
    const auto loaded = Load();
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_GE((*loaded)->Get()->revision, before);
    EXPECT_EQ(static_cast<int64_t>((*loaded)->Get()->tenants.size()), (*loaded)->Get()->revision);
  }
  writer.join();
}

// InterruptedStore commits something between two pages of a listing.
class InterruptedStore final : public store::Store {
 public:
  InterruptedStore(store::Store* real, store::Transaction between)
      : real_(real), between_(std::move(between)) {}
  absl::StatusOr<store::Page> List(absl::string_view prefix, absl::string_view start_after,
                                   int limit) override {
    auto page = real_->List(prefix, start_after, limit);
    if (std::exchange(first_page_, false)) {
      EXPECT_TRUE(page->more);
      EXPECT_TRUE(real_->Commit(between_).ok());
    }
    return page;
  }
  absl::StatusOr<std::optional<store::Entry>> Get(absl::string_view key) override {
    return real_->Get(key);
  }
  absl::StatusOr<int64_t> Commit(const store::Transaction& transaction) override {
    return real_->Commit(transaction);
  }
  absl::StatusOr<std::unique_ptr<store::Watch>> WatchPrefix(absl::string_view prefix,
                                                            int64_t revision) override {
    return real_->WatchPrefix(prefix, revision);
  }
  absl::StatusOr<int64_t> Revision() override { return real_->Revision(); }
  absl::StatusOr<std::unique_ptr<store::Leadership>> Lead(absl::string_view name,
                                                          absl::string_view holder,
                                                          absl::Duration ttl) override {
    return real_->Lead(name, holder, ttl);
  }

 private:
  store::Store* const real_;
  const store::Transaction between_;
  bool first_page_ = true;
};

// Pages of one listing come from different revisions: here the first has no key yet,
// the second has its version. That is a busy store, not a corrupt one.
TEST_F(CatalogTest, LoadIsWholeThoughThePagesAreNot) {
  AddTenant();
  const auto issuer = AddIssuer();
  for (int batch = 0; batch < 11; ++batch) {
    store::Transaction transaction;
    for (int i = 0; i < 100; ++i) {
      const Tenant tenant = MakeTenant(absl::StrCat("t", batch * 100 + i));
      transaction.operations.push_back({TenantRecordKey(tenant.name), SerializeTenant(tenant)});
    }
    ASSERT_TRUE(store().Commit(transaction).ok());
  }
  InterruptedStore interrupted(&store(), CreateKey(MakeKey(issuer, "k"), MakePending(1)));
  const auto loaded = Catalog::Load(&interrupted);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_TRUE((*loaded)->Get()->keys.contains("tenants/acme/keys/k"));
  EXPECT_EQ((*loaded)->Get()->revision, *store().Revision());
}

// A commit must not cost the size of the catalog: what it does not touch stays where it is.
TEST_F(CatalogTest, ACommitSharesWhatItDoesNotTouch) {
  AddTenant();
  store::Transaction transaction;
  for (int i = 0; i < 50; ++i) {
    const Tenant tenant = MakeTenant(absl::StrCat("t", i));
    transaction.operations.push_back({TenantRecordKey(tenant.name), SerializeTenant(tenant)});
  }
  Do(transaction);
  const auto issuer = AddIssuer();
  const auto before = Now();
  Do(CreateKey(MakeKey(issuer, "k"), MakePending(1)));
  const auto after = Now();
  for (const auto& [name, tenant] : before->tenants) {
    EXPECT_EQ(&after->tenants.at(name), &tenant) << name;
  }
  EXPECT_FALSE(before->keys.contains("tenants/acme/keys/k"));
}

// An issuer that changes, or comes later, must not fall back to the other margins.
TEST_F(CatalogTest, EveryIssuerHasTheServersMargins) {
  const auto margins = lifecycle::Margins::ForDevelopment();
  AddTenant();
  AddIssuer();
  const auto loaded = *Catalog::Load(&store(), margins);
  AddIssuer("later");
  AddKey();  // publishes the issuer, which writes it
  ASSERT_TRUE(loaded->CatchUp().ok());
  const auto snapshot = loaded->Get();
  ASSERT_EQ(snapshot->issuers.size(), 2U);
  for (const auto& [name, issuer] : snapshot->issuers) EXPECT_EQ(issuer->margins, margins) << name;
  EXPECT_EQ(CachePolicyOf(*snapshot->keys.at("tenants/acme/keys/k")).margins, margins);
  EXPECT_EQ(CachePolicyOf(*GetKey()).margins, lifecycle::Margins());
}

class RandomCatalog : public CatalogTest {
 public:
  void TestBody() override {}
  // One random change through a mutation; changes that do not apply are skipped.
  void Change(int kind, int which) {
    const auto now = Now();
    const std::string id = absl::StrCat("x", which);
    if (kind == 0) (void)catalog().Commit(CreateTenant(MakeTenant(id)));
    if (kind == 1 && now->tenants.contains("tenants/" + id)) {
      (void)catalog().Commit(
          CreateIssuer(*now->tenants.at("tenants/" + id), MakeIssuer(id, "i", true)));
    }
    const auto issuer = now->issuers.find(absl::StrCat("tenants/", id, "/issuers/i"));
    if (kind == 2 && issuer != now->issuers.end()) {
      const Key key = MakeKey(issuer->second, absl::StrCat("k", now->keys.size() % 3));
      (void)catalog().Commit(CreateKey(key, MakePending(1)));
    }
    for (const auto& [name, key] : now->keys) {
      if (kind == 3) (void)catalog().Commit(AddVersion(*key, MakePending(key->last_version + 1)));
      if (kind == 4 && key->versions.back()->spki.empty()) {
        const absl::Time at = kStart + absl::Seconds(which);
        (void)catalog().Commit(CompleteVersion(*key, Completed(*key->versions.back(), {at, at})));
      }
      if (kind >= 3) break;
    }
    if (kind == 5) {
      const auto binding = MakeBinding("", id, absl::StrCat("p", which % 2), v1::ROLE_VIEWER);
      (void)catalog().Commit(CreateBinding(nullptr, binding));
    }
    if (const auto seen = FindBinding(*now, "roleBindings/" + id); kind == 6 && seen) {
      (void)catalog().Commit(*DeleteBinding(*now, *seen));
    }
    if (const auto seen = now->tenants.find("tenants/" + id);
        kind == 7 && seen != now->tenants.end()) {
      Tenant next = *seen->second;
      next.quota = {which + 1, 1};
      next.partition = absl::StrCat("p", now->revision % 2);
      (void)catalog().Commit(UpdateTenant(*seen->second, next));
    }
  }
  std::string Followed() { return Describe(*Now()); }
  std::string Loaded() { return Describe(*(*Load())->Get()); }
};

// A restart must show exactly what was shown before it.
RC_GTEST_PROP(CatalogProperties, FollowingEqualsLoading, ()) {
  const auto changes = *rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::element(0, 1, 2, 3, 4, 5, 6, 7), rc::gen::element(0, 1, 2)));
  RandomCatalog catalog;
  for (const auto& [kind, which] : changes) catalog.Change(kind, which);
  RC_ASSERT(catalog.Followed() == catalog.Loaded());
}

}  // namespace
}  // namespace sealward::catalog
