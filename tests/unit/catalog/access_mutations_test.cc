// Changes of who may do what. If these break, a service can be left without the
// admins that it needs, or a binding survives in a snapshot that was taken back.
#include "server/catalog/access_mutations.h"

#include <gmock/gmock.h>

#include <string>

#include "common/errors.h"
#include "tests/unit/catalog/catalog_fixture.h"

namespace sealward::catalog {
namespace {

#define EXPECT_ABORTED(expression) \
  EXPECT_EQ((expression).status().code(), absl::StatusCode::kAborted)

class AccessMutationsTest : public CatalogTest {
 protected:
  void AddAdmin(const std::string& id, const std::string& principal) {
    Do(CreateBinding(nullptr, MakeBinding("", id, principal, v1::ROLE_ADMIN)));
  }
  void AskForTwoPersons() {
    const auto transaction = UpdateApprovalPolicy(*Now(), ApprovalPolicy{true, 0});
    ASSERT_TRUE(transaction.ok()) << transaction.status();
    Do(*transaction);
  }
  absl::StatusOr<store::Transaction> Remove(const std::string& id) {
    return DeleteBinding(*Now(), *FindBinding(*Now(), "roleBindings/" + id));
  }
};

TEST_F(AccessMutationsTest, KeyBindingsAreOfTheirKey) {
  const auto tenant = AddTenant();
  AddIssuer();
  AddKey();
  RoleBinding binding = MakeBinding("tenants/acme/keys/k", "b", "p", v1::ROLE_TOKEN_ISSUER);
  binding.tenant = "tenants/acme";
  Do(CreateBinding(tenant.get(), binding));
  const auto seen = FindBinding(*Now(), "tenants/acme/keys/k/roleBindings/b");
  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(seen->tenant, "tenants/acme");
  EXPECT_EQ(seen->key, "tenants/acme/keys/k");
  // What was loaded afresh says the same.
  const auto loaded = Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(FindBinding(*(*loaded)->Get(), seen->name)->key, seen->key);
  Do(*DeleteBinding(*Now(), *seen));
  EXPECT_EQ(FindBinding(*Now(), seen->name), nullptr);
  EXPECT_FALSE(Now()->bindings.contains("p"));
}

TEST_F(AccessMutationsTest, TwoPersonsNeedTwoAdminPrincipals) {
  AddAdmin("one", "p");
  const auto refused = UpdateApprovalPolicy(*Now(), ApprovalPolicy{true, 0});
  EXPECT_EQ(ErrorReason(refused.status()), "SECOND_ADMIN_MISSING");
  // The same person twice is no second one.
  AddAdmin("again", "p");
  EXPECT_EQ(ErrorReason(UpdateApprovalPolicy(*Now(), ApprovalPolicy{true, 0}).status()),
            "SECOND_ADMIN_MISSING");
  // An admin of nothing but a tenant, or another role, is none either.
  Do(CreateBinding(nullptr, MakeBinding("", "operator", "q", v1::ROLE_OPERATOR)));
  EXPECT_FALSE(UpdateApprovalPolicy(*Now(), ApprovalPolicy{true, 0}).ok());
  AddAdmin("two", "q");
  AskForTwoPersons();
  EXPECT_TRUE(Now()->approval_policy.two_persons);
  // Back to one is always possible here: who may is decided elsewhere.
  Do(*UpdateApprovalPolicy(*Now(), ApprovalPolicy{false, 0}));
  EXPECT_FALSE(Now()->approval_policy.two_persons);
}

TEST_F(AccessMutationsTest, WhileTwoPersonsAreAskedForTwoAdminsStay) {
  AddAdmin("one", "p");
  AddAdmin("again", "p");
  AddAdmin("two", "q");
  AskForTwoPersons();
  EXPECT_EQ(ErrorReason(Remove("two").status()), "LAST_ADMIN");
  Do(*Remove("again"));  // p has another
  EXPECT_EQ(ErrorReason(Remove("one").status()), "LAST_ADMIN");
  AddAdmin("three", "r");
  Do(*Remove("one"));
  EXPECT_FALSE(Now()->bindings.contains("p"));
}

// Of two who decided on the same snapshot one has to look again: an admin must
// not go while the policy comes to need them.
TEST_F(AccessMutationsTest, PolicyAndAdminsCannotCross) {
  AddAdmin("one", "p");
  AddAdmin("two", "q");
  const auto removal = Remove("two");
  const auto policy = UpdateApprovalPolicy(*Now(), ApprovalPolicy{true, 0});
  ASSERT_TRUE(removal.ok() && policy.ok());
  Do(*policy);
  EXPECT_ABORTED(catalog().Commit(*removal));
  EXPECT_TRUE(Now()->bindings.contains("q"));
}

TEST_F(AccessMutationsTest, AdminsAndPolicyCannotCross) {
  AddAdmin("one", "p");
  AddAdmin("two", "q");
  const auto removal = Remove("two");
  const auto policy = UpdateApprovalPolicy(*Now(), ApprovalPolicy{true, 0});
  ASSERT_TRUE(removal.ok() && policy.ok());
  Do(*removal);
  EXPECT_ABORTED(catalog().Commit(*policy));
  EXPECT_FALSE(Now()->approval_policy.two_persons);
}

// Keys point at their tenant: a quota that changed must reach each of them.
TEST_F(AccessMutationsTest, ATenantsChangeReachesItsKeysAndNoOthers) {
  Tenant tenant = *AddTenant();
  AddIssuer("main", true);
  AddKey("one");
  AddKey("two");
  const auto other = AddTenant("acme-2");
  Do(CreateIssuer(*other, MakeIssuer("acme-2", "main")));
  Do(CreateKey(MakeKey(Now()->issuers.at("tenants/acme-2/issuers/main"), "k"), MakePending(1)));
  const auto others_key = Now()->keys.at("tenants/acme-2/keys/k");
  const Tenant seen = tenant;
  tenant.display_name = "Renamed";
  tenant.quota = Quota{10, 20};
  Do(UpdateTenant(seen, tenant));
  for (const std::string id : {"one", "two"}) {
    EXPECT_EQ(GetKey(id)->tenant, Now()->tenants.at("tenants/acme"));
    EXPECT_EQ(GetKey(id)->tenant->quota, (Quota{10, 20}));
  }
  EXPECT_EQ(Now()->keys.at("tenants/acme-2/keys/k"), others_key);
  EXPECT_EQ(others_key->tenant, Now()->tenants.at("tenants/acme-2"));
  EXPECT_ABORTED(catalog().Commit(UpdateTenant(seen, tenant)));
  // In the index by issuer too.
  for (const auto& key : Now()->keys_of_issuer.at("tenants/acme/issuers/main")) {
    EXPECT_EQ(key->tenant->display_name, "Renamed");
  }
}

}  // namespace
}  // namespace sealward::catalog
