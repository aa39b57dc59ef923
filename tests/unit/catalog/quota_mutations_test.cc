// Changes of tenants and keys that exist. If these go, a changed quota does not
// reach the keys that it bounds, or is lost to another change of the same record.
#include <gmock/gmock.h>

#include "server/catalog/mutations.h"
#include "tests/unit/catalog/catalog_fixture.h"

namespace sealward::catalog {
namespace {

TEST_F(CatalogTest, AnUpdatedTenantIsSeenThroughItsKeys) {
  AddTenant();
  AddIssuer();
  AddKey();
  const auto seen = Now()->tenants.at("tenants/acme");
  Tenant next = *seen;
  next.quota = {100, 250};
  next.display_name = "Acme";
  Do(UpdateTenant(*seen, next));
  EXPECT_EQ(GetKey()->tenant, Now()->tenants.at("tenants/acme"));
  EXPECT_EQ(GetKey()->tenant->quota, (Quota{100, 250}));
  EXPECT_EQ(GetKey()->tenant->display_name, "Acme");
  EXPECT_EQ(GetKey()->tenant->create_time, seen->create_time);
  EXPECT_GT(GetKey()->tenant->mod_revision, seen->mod_revision);
  // Somebody who decided on the tenant before that decides again.
  EXPECT_EQ(catalog().Commit(UpdateTenant(*seen, next)).status().code(),
            absl::StatusCode::kAborted);
}

TEST_F(CatalogTest, AnUpdatedKeyKeepsItsVersionsAndItsPlace) {
  AddTenant();
  AddIssuer();
  const auto seen = AddKey();
  Key next = *seen;
  next.quota = {5, 7};
  Do(UpdateKey(*seen, next));
  EXPECT_EQ(GetKey()->quota, (Quota{5, 7}));
  EXPECT_EQ(GetKey()->versions, seen->versions);
  EXPECT_THAT(Now()->keys_of_issuer.at(seen->issuer->name), testing::ElementsAre(GetKey()));
  // A version that is added on the key as it was would undo the quota.
  EXPECT_EQ(catalog().Commit(AddVersion(*seen, MakePending(2))).status().code(),
            absl::StatusCode::kAborted);
  Do(AddVersion(*GetKey(), MakePending(2)));
  EXPECT_EQ(GetKey()->quota, (Quota{5, 7}));
}

TEST_F(CatalogTest, QuotasAreThereAfterARestart) {
  AddTenant();
  AddIssuer();
  AddKey();
  Tenant tenant = *Now()->tenants.at("tenants/acme");
  tenant.quota = {100, 250};
  Do(UpdateTenant(tenant, tenant));
  Key key = *GetKey();
  key.quota = {5, 7};
  Do(UpdateKey(key, key));
  const auto loaded = Load();
  ASSERT_TRUE(loaded.ok());
  const auto again = (*loaded)->Get()->keys.at(key.name);
  EXPECT_EQ(again->quota, (Quota{5, 7}));
  EXPECT_EQ(again->tenant->quota, (Quota{100, 250}));
}

// A record that nobody of ours wrote must not divide by zero on the sign path.
TEST_F(CatalogTest, AHalfQuotaIsCorrupt) {
  AddTenant();
  for (const Quota& quota : {Quota{5, 0}, Quota{0, 5}, Quota{-1, -1}}) {
    Tenant next = *Now()->tenants.at("tenants/acme");
    next.quota = quota;
    EXPECT_FALSE(catalog().Commit(UpdateTenant(next, next)).ok());
    EXPECT_FALSE(Load().ok());
    next.quota = {};
    next.mod_revision = *store().Revision();
    Do(UpdateTenant(next, next));
  }
}

}  // namespace
}  // namespace sealward::catalog
