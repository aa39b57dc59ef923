// The table of roles and verbs, cell by cell. If a cell changes without its
// line here, somebody may do more (or less) than the documents say.
#include "server/auth/decision.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/errors.h"
#include "server/auth/bootstrap.h"

namespace sealward::auth {
namespace {

constexpr char kAlice[] = "spiffe://sealward.test/alice";

catalog::RoleBinding& Bind(catalog::Snapshot& snapshot, const std::string& tenant, v1::Role role,
                           const std::string& key = "") {
  auto binding = std::make_shared<catalog::RoleBinding>();
  binding->principal = kAlice;
  binding->tenant = tenant;
  binding->key = key;
  binding->role = role;
  snapshot.bindings[kAlice].push_back(binding);
  return *binding;
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
  operates.insert({"keys.create", "keys.rotate", "keys.setRotationPolicy", "keys.pause",
                   "keyVersions.suspend", "keyVersions.revoke", "keyVersions.cancelDestroy",
                   "partitions.revoke", "deniedCertificates.create", "deniedCertificates.read"});
  EXPECT_EQ(Allowed(v1::ROLE_OPERATOR, Level::kService), operates);
  std::set<std::string> administers = operates;
  administers.insert({"tenants.create", "tenants.update", "issuers.create", "keys.update",
                      "roleBindings.manage", "roleBindings.read", "trustDomains.manage",
                      "trustDomains.read", "deniedCertificates.delete", "approvalPolicy.manage",
                      "approvalPolicy.read", "approvals.read", "issuers.update",
                      "foreignKeys.manage", "keyVersions.destroy", "quarantine.read",
                      "quarantine.manage", "partitions.recover", "clock.confirm"});
  EXPECT_EQ(Allowed(v1::ROLE_ADMIN, Level::kService), administers);
  std::set<std::string> audits = reads;
  audits.insert({"roleBindings.read", "trustDomains.read", "deniedCertificates.read",
                 "approvalPolicy.read", "approvals.read", "quarantine.read"});
  EXPECT_EQ(Allowed(v1::ROLE_AUDITOR, Level::kService), audits);
  EXPECT_EQ(Allowed(v1::ROLE_VALIDATOR, Level::kService), std::set<std::string>{"issuers.read"});
  EXPECT_TRUE(Allowed(v1::ROLE_TOKEN_ISSUER, Level::kService).empty());
  EXPECT_TRUE(Allowed(v1::ROLE_TENANT_ADMIN, Level::kService).empty());
}

TEST(Decision, TheTableOfATenant) {
  const std::set<std::string> reads = {"tenants.read", "issuers.read", "keys.read",
                                       "keys.readSigningKey"};
  EXPECT_EQ(Allowed(v1::ROLE_VIEWER, Level::kTenant), reads);
  std::set<std::string> operates = reads;
  operates.insert({"keys.create", "keys.rotate", "keys.setRotationPolicy", "keys.pause",
                   "keyVersions.suspend", "keyVersions.revoke", "keyVersions.cancelDestroy"});
  EXPECT_EQ(Allowed(v1::ROLE_OPERATOR, Level::kTenant), operates);
  EXPECT_EQ(Allowed(v1::ROLE_TOKEN_ISSUER, Level::kTenant),
            (std::set<std::string>{"keys.sign", "keys.readSigningKey"}));
  std::set<std::string> administers = operates;
  administers.insert({"keys.update", "roleBindings.manage", "roleBindings.read", "approvals.read",
                      "foreignKeys.manage", "keyVersions.destroy"});
  EXPECT_EQ(Allowed(v1::ROLE_TENANT_ADMIN, Level::kTenant), administers);
  std::set<std::string> audits = reads;
  audits.insert({"roleBindings.read", "approvals.read"});
  EXPECT_EQ(Allowed(v1::ROLE_AUDITOR, Level::kTenant), audits);
  EXPECT_EQ(Allowed(v1::ROLE_VALIDATOR, Level::kTenant), std::set<std::string>{"issuers.read"});
  EXPECT_TRUE(Allowed(v1::ROLE_ADMIN, Level::kTenant).empty());
}

TEST(Decision, TheTableOfAKey) {
  const std::set<std::string> reads = {"keys.read", "keys.readSigningKey"};
  EXPECT_EQ(Allowed(v1::ROLE_VIEWER, Level::kKey), reads);
  std::set<std::string> operates = reads;
  operates.insert({"keys.rotate", "keys.setRotationPolicy", "keys.pause", "keyVersions.suspend",
                   "keyVersions.revoke", "keyVersions.cancelDestroy"});
  EXPECT_EQ(Allowed(v1::ROLE_OPERATOR, Level::kKey), operates);
  std::set<std::string> audits = reads;
  audits.insert({"roleBindings.read", "approvals.read"});
  EXPECT_EQ(Allowed(v1::ROLE_AUDITOR, Level::kKey), audits);
  EXPECT_EQ(Allowed(v1::ROLE_TOKEN_ISSUER, Level::kKey),
            (std::set<std::string>{"keys.sign", "keys.readSigningKey"}));
  for (const v1::Role role : {v1::ROLE_ADMIN, v1::ROLE_TENANT_ADMIN, v1::ROLE_VALIDATOR}) {
    EXPECT_TRUE(Allowed(role, Level::kKey).empty()) << v1::Role_Name(role);
  }
}

TEST(Decision, OnlyATokenIssuerOfATenantOrKeySigns) {
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
    EXPECT_TRUE(Allowed(static_cast<v1::Role>(role), Level::kKey).empty());
  }
}

TEST(Decision, RolesThatMeanNothingAtALevel) {
  EXPECT_TRUE(RoleMeansSomething(v1::ROLE_ADMIN, Level::kService));
  EXPECT_FALSE(RoleMeansSomething(v1::ROLE_ADMIN, Level::kTenant));
  EXPECT_FALSE(RoleMeansSomething(v1::ROLE_TOKEN_ISSUER, Level::kService));
  EXPECT_TRUE(RoleMeansSomething(v1::ROLE_TOKEN_ISSUER, Level::kTenant));
  EXPECT_FALSE(RoleMeansSomething(v1::ROLE_TENANT_ADMIN, Level::kService));
  EXPECT_TRUE(RoleMeansSomething(v1::ROLE_TENANT_ADMIN, Level::kTenant));
  EXPECT_FALSE(RoleMeansSomething(v1::ROLE_TENANT_ADMIN, Level::kKey));
  EXPECT_TRUE(RoleMeansSomething(v1::ROLE_TOKEN_ISSUER, Level::kKey));
  EXPECT_FALSE(RoleMeansSomething(v1::ROLE_UNSPECIFIED, Level::kService));
}

TEST(Decision, VerbsAreFoundByTheirNames) {
  for (const Verb verb : AllVerbs()) EXPECT_EQ(FindVerb(VerbName(verb)), verb);
  for (const char* name : {"", "keys", "keys.sign ", "Keys.sign", "keys.destroy"}) {
    EXPECT_EQ(FindVerb(name), std::nullopt) << name;
  }
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

TEST(Decision, AKeysRoleCountsOnThatKeyOnly) {
  constexpr char kWeb[] = "tenants/a/keys/web";
  catalog::Snapshot snapshot;
  Bind(snapshot, "tenants/a", v1::ROLE_OPERATOR, kWeb);
  Bind(snapshot, "tenants/a", v1::ROLE_TOKEN_ISSUER, kWeb);
  const Target web{"tenants/a", kWeb};
  EXPECT_TRUE(Decide(snapshot, kAlice, web, Verb::kRotateKey).allowed);
  EXPECT_TRUE(Decide(snapshot, kAlice, web, Verb::kSign).allowed);
  EXPECT_EQ(Decide(snapshot, kAlice, web, Verb::kSign).reason, "role token-issuer on the key");
  EXPECT_FALSE(Decide(snapshot, kAlice, web, Verb::kManageBindings).allowed);
  for (const Target target :
       {Target{}, Target{"tenants/a"}, Target{"tenants/b"},
        Target{"tenants/a", "tenants/a/keys/we"}, Target{"tenants/a", "tenants/a/keys/webb"},
        Target{"tenants/b", "tenants/b/keys/web"}}) {
    for (const Verb verb : AllVerbs()) {
      EXPECT_FALSE(Decide(snapshot, kAlice, target, verb).allowed)
          << target.tenant << " " << target.key << " " << VerbName(verb);
    }
  }
}

TEST(Decision, ATenantsRoleCountsOnItsKeys) {
  catalog::Snapshot snapshot;
  Bind(snapshot, "tenants/a", v1::ROLE_TENANT_ADMIN);
  const Target web{"tenants/a", "tenants/a/keys/web"};
  EXPECT_TRUE(Decide(snapshot, kAlice, web, Verb::kUpdateKey).allowed);
  EXPECT_TRUE(Decide(snapshot, kAlice, web, Verb::kManageBindings).allowed);
  EXPECT_FALSE(Decide(snapshot, kAlice, web, Verb::kSign).allowed);
  EXPECT_FALSE(
      Decide(snapshot, kAlice, Target{"tenants/b", "tenants/b/keys/web"}, Verb::kReadKey).allowed);
}

// Whoever approves must not have been let in for it: only a binding from before
// the limit counts, and those of `sealward-server init`, or nobody could approve
// anything on the first day.
TEST(Decision, ABindingThatIsTooNewDoesNotCount) {
  const absl::Time limit = absl::FromUnixSeconds(1'000'000);
  const auto decide = [limit](absl::Duration after, bool bootstrap) {
    catalog::Snapshot snapshot;
    catalog::RoleBinding& binding = Bind(snapshot, "", v1::ROLE_ADMIN);
    binding.create_time = limit + after;
    binding.bootstrap = bootstrap;
    return Decide(snapshot, kAlice, Target{}, Verb::kManageBindings, limit);
  };
  EXPECT_TRUE(decide(-absl::Microseconds(1), false).allowed);
  EXPECT_FALSE(decide(absl::ZeroDuration(), false).allowed);
  EXPECT_FALSE(decide(absl::Hours(1), false).allowed);
  EXPECT_EQ(decide(absl::Hours(1), false).reason,
            "the role binding that includes the verb is too new");
  EXPECT_TRUE(decide(absl::Hours(1), true).allowed);
}

TEST(Decision, AnOldBindingBesideANewOneCounts) {
  const absl::Time limit = absl::FromUnixSeconds(1'000'000);
  catalog::Snapshot snapshot;
  Bind(snapshot, "", v1::ROLE_ADMIN).create_time = limit + absl::Hours(1);
  Bind(snapshot, "", v1::ROLE_ADMIN).create_time = limit - absl::Hours(1);
  EXPECT_TRUE(Decide(snapshot, kAlice, Target{}, Verb::kManageBindings, limit).allowed);
  // An old binding of another role does not make a new one old.
  catalog::Snapshot other;
  Bind(other, "", v1::ROLE_VIEWER).create_time = limit - absl::Hours(1);
  Bind(other, "", v1::ROLE_ADMIN).create_time = limit + absl::Hours(1);
  EXPECT_FALSE(Decide(other, kAlice, Target{}, Verb::kManageBindings, limit).allowed);
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
  const auto bindings = FirstAdmins({kAlice}, absl::UnixEpoch());
  ASSERT_TRUE(bindings.ok()) << bindings.status();
  ASSERT_EQ(bindings->size(), 1U);
  EXPECT_EQ(bindings->front().name, "roleBindings/first-admin");
  EXPECT_EQ(bindings->front().tenant, "");
  catalog::Snapshot snapshot;
  snapshot.bindings[kAlice].push_back(std::make_shared<catalog::RoleBinding>(bindings->front()));
  EXPECT_TRUE(Decide(snapshot, kAlice, Target{""}, Verb::kManageBindings).allowed);
  // From the first moment on.
  EXPECT_TRUE(
      Decide(snapshot, kAlice, Target{""}, Verb::kManageBindings, absl::InfinitePast()).allowed);
}

TEST(Bootstrap, TwoFirstAdminsAreTwoPersons) {
  const auto bindings = FirstAdmins({kAlice, "subject:CN=bob"}, absl::UnixEpoch());
  ASSERT_TRUE(bindings.ok()) << bindings.status();
  ASSERT_EQ(bindings->size(), 2U);
  EXPECT_EQ(bindings->back().name, "roleBindings/second-admin");
  EXPECT_EQ(bindings->back().principal, "subject:CN=bob");
  EXPECT_TRUE(bindings->back().bootstrap);
}

TEST(Bootstrap, RefusesWhoCannotBe) {
  const std::vector<std::vector<std::string>> rows = {
      {}, {"alice"}, {kAlice, "bob"}, {kAlice, kAlice}, {kAlice, "subject:CN=b", "subject:CN=c"}};
  for (const auto& row : rows) {
    EXPECT_EQ(ErrorReason(FirstAdmins(row, absl::UnixEpoch()).status()), "PRINCIPAL_INVALID");
  }
}

}  // namespace
}  // namespace sealward::auth
