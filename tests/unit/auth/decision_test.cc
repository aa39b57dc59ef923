// The table of roles and verbs, cell by cell. If a cell changes without its
// line here, somebody may do more (or less) than the documents say.
#include "server/auth/decision.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "server/auth/bootstrap.h"

namespace sealward::auth {
namespace {

constexpr char kAlice[] = "spiffe://sealward.test/alice";

void Bind(catalog::Snapshot& snapshot, const std::string& tenant, v1::Role role) {
  auto binding = std::make_shared<catalog::RoleBinding>();
  binding->principal = kAlice;
  binding->tenant = tenant;
  binding->role = role;
  snapshot.bindings[kAlice].push_back(binding);
}

std::set<std::string> Allowed(v1::Role role, Level level) {
  std::set<std::string> names;
  for (const Verb verb : AllVerbs()) {
    if (RoleAllows(role, level, verb)) names.insert(std::string(VerbName(verb)));
  }
  return names;
}

TEST(Decision, TheTableOfTheService) {
  const std::set<std::string> reads = {"tenants.read",       "tenants.list", "issuers.read",
                                       "keys.read",          "status.read",  "metrics.read",
                                       "keys.readSigningKey"};
  EXPECT_EQ(Allowed(v1::ROLE_VIEWER, Level::kService), reads);
  std::set<std::string> operates = reads;
  operates.insert(
      {"keys.create", "keys.rotate", "deniedCertificates.create", "deniedCertificates.read"});
  EXPECT_EQ(Allowed(v1::ROLE_OPERATOR, Level::kService), operates);
  std::set<std::string> administers = operates;
  administers.insert({"tenants.create", "tenants.update", "issuers.create", "keys.update",
                      "roleBindings.manage", "roleBindings.read", "trustDomains.manage",
                      "trustDomains.read", "deniedCertificates.delete", "approvalPolicy.manage",
                      "approvalPolicy.read", "approvals.read"});
  EXPECT_EQ(Allowed(v1::ROLE_ADMIN, Level::kService), administers);
  EXPECT_TRUE(Allowed(v1::ROLE_TOKEN_ISSUER, Level::kService).empty());
}

TEST(Decision, TheTableOfATenant) {
  const std::set<std::string> reads = {"tenants.read", "issuers.read", "keys.read",
                                       "keys.readSigningKey"};
  EXPECT_EQ(Allowed(v1::ROLE_VIEWER, Level::kTenant), reads);
  std::set<std::string> operates = reads;
  operates.insert({"keys.create", "keys.rotate"});
  EXPECT_EQ(Allowed(v1::ROLE_OPERATOR, Level::kTenant), operates);
  EXPECT_EQ(Allowed(v1::ROLE_TOKEN_ISSUER, Level::kTenant),
            (std::set<std::string>{"keys.sign", "keys.readSigningKey"}));
  EXPECT_TRUE(Allowed(v1::ROLE_ADMIN, Level::kTenant).empty());
}

TEST(Decision, OnlyATenantsTokenIssuerSigns) {
  for (const Level level : {Level::kService, Level::kTenant, Level::kKey}) {
    for (int role = v1::Role_MIN; role <= v1::Role_MAX; ++role) {
      EXPECT_EQ(RoleAllows(static_cast<v1::Role>(role), level, Verb::kSign),
                level != Level::kService && role == v1::ROLE_TOKEN_ISSUER);
    }
  }
}

TEST(Decision, RolesOfALaterVersionMeanNothing) {
  for (const int role : {-1, 0, 8, 31, 32, 1000}) {
    EXPECT_TRUE(Allowed(static_cast<v1::Role>(role), Level::kService).empty());
    EXPECT_TRUE(Allowed(static_cast<v1::Role>(role), Level::kTenant).empty());
  }
}

TEST(Decision, RolesThatMeanNothingAtALevel) {
  EXPECT_TRUE(RoleMeansSomething(v1::ROLE_ADMIN, Level::kService));
  EXPECT_FALSE(RoleMeansSomething(v1::ROLE_ADMIN, Level::kTenant));
  EXPECT_FALSE(RoleMeansSomething(v1::ROLE_TOKEN_ISSUER, Level::kService));
  EXPECT_TRUE(RoleMeansSomething(v1::ROLE_TOKEN_ISSUER, Level::kTenant));
  EXPECT_FALSE(RoleMeansSomething(v1::ROLE_UNSPECIFIED, Level::kService));
}

TEST(Decision, AServiceRoleCountsOnEveryTenant) {
  catalog::Snapshot snapshot;
  Bind(snapshot, "", v1::ROLE_OPERATOR);
  EXPECT_TRUE(Decide(snapshot, kAlice, Target{"tenants/a"}, Verb::kRotateKey).allowed);
  EXPECT_TRUE(Decide(snapshot, kAlice, Target{"tenants/no-such"}, Verb::kRotateKey).allowed);
  EXPECT_TRUE(Decide(snapshot, kAlice, Target{""}, Verb::kListTenants).allowed);
  EXPECT_FALSE(Decide(snapshot, kAlice, Target{"tenants/a"}, Verb::kSign).allowed);
}

TEST(Decision, ATenantsRoleCountsOnThatTenantOnly) {
  catalog::Snapshot snapshot;
  Bind(snapshot, "tenants/a", v1::ROLE_OPERATOR);
  Bind(snapshot, "tenants/a", v1::ROLE_TOKEN_ISSUER);
  EXPECT_TRUE(Decide(snapshot, kAlice, Target{"tenants/a"}, Verb::kRotateKey).allowed);
  EXPECT_TRUE(Decide(snapshot, kAlice, Target{"tenants/a"}, Verb::kSign).allowed);
  for (const char* tenant : {"", "tenants/b", "tenants/", "tenants/aa", "a"}) {
    for (const Verb verb : AllVerbs()) {
      EXPECT_FALSE(Decide(snapshot, kAlice, Target{tenant}, verb).allowed)
          << tenant << VerbName(verb);
    }
  }
}

TEST(Decision, PrincipalsAreComparedExactly) {
  catalog::Snapshot snapshot;
  Bind(snapshot, "", v1::ROLE_ADMIN);
  for (const char* other : {"", "spiffe://sealward.test/alice/", "spiffe://sealward.test/Alice",
                            "spiffe://sealward.test/alic", "subject:CN=alice"}) {
    EXPECT_FALSE(Decide(snapshot, other, Target{""}, Verb::kListTenants).allowed) << other;
  }
}

TEST(Decision, SaysWhy) {
  catalog::Snapshot snapshot;
  EXPECT_EQ(Decide(snapshot, kAlice, Target{""}, Verb::kSign).reason,
            "no role binding of this principal");
  Bind(snapshot, "tenants/a", v1::ROLE_VIEWER);
  EXPECT_EQ(Decide(snapshot, kAlice, Target{"tenants/a"}, Verb::kSign).reason,
            "no role of this principal includes the verb here");
  EXPECT_EQ(Decide(snapshot, kAlice, Target{"tenants/a"}, Verb::kReadKey).reason,
            "role viewer on the tenant");
}

// What `sealward-server init` writes is enough to set up everything else.
TEST(Bootstrap, TheFirstAdminAdministers) {
  const auto binding = FirstAdmin(kAlice, absl::UnixEpoch());
  ASSERT_TRUE(binding.ok()) << binding.status();
  EXPECT_EQ(binding->name, "roleBindings/first-admin");
  EXPECT_EQ(binding->tenant, "");
  catalog::Snapshot snapshot;
  snapshot.bindings[binding->principal].push_back(std::make_shared<catalog::RoleBinding>(*binding));
  EXPECT_TRUE(Decide(snapshot, kAlice, Target{""}, Verb::kManageBindings).allowed);
  EXPECT_FALSE(FirstAdmin("alice", absl::UnixEpoch()).ok());
}

}  // namespace
}  // namespace sealward::auth
