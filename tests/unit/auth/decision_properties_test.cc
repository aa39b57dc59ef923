// Properties of authorization over random bindings. RapidCheck prints the seed
// of a failure; RC_PARAMS="seed=…" replays it.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <memory>
#include <string>
#include <vector>

#include "server/auth/decision.h"

namespace sealward::auth {
namespace {

struct Grant {
  std::string principal;
  std::string tenant;  // empty: service
  v1::Role role;
};

const std::vector<std::string> kPrincipals = {"spiffe://t/a", "spiffe://t/b", "subject:CN=c"};
const std::vector<std::string> kTenants = {"tenants/a", "tenants/b", "tenants/ab"};

rc::Gen<std::string> AnyPrincipal() { return rc::gen::elementOf(kPrincipals); }
rc::Gen<std::string> AnyTenant() { return rc::gen::elementOf(kTenants); }
rc::Gen<std::string> AnyLevel() {
  return rc::gen::oneOf(AnyTenant(), rc::gen::just(std::string()));
}
rc::Gen<Verb> AnyVerb() {
  return rc::gen::elementOf(std::vector<Verb>(AllVerbs().begin(), AllVerbs().end()));
}
rc::Gen<v1::Role> AnyRole() {
  return rc::gen::map(rc::gen::inRange(0, 6), [](int role) { return static_cast<v1::Role>(role); });
}
rc::Gen<Grant> AnyGrant(rc::Gen<std::string> level) {
  return rc::gen::map(rc::gen::tuple(AnyPrincipal(), level, AnyRole()), [](const auto& parts) {
    return Grant{std::get<0>(parts), std::get<1>(parts), std::get<2>(parts)};
  });
}

catalog::Snapshot SnapshotOf(const std::vector<Grant>& grants) {
  catalog::Snapshot snapshot;
  for (const Grant& grant : grants) {
    auto binding = std::make_shared<catalog::RoleBinding>();
    binding->principal = grant.principal;
    binding->tenant = grant.tenant;
    binding->role = grant.role;
    snapshot.bindings[grant.principal].push_back(binding);
  }
  return snapshot;
}

bool Check(const std::string& name, const std::function<void()>& property) {
  return rc::check(name, property);
}

TEST(DecisionProperties, NoBindingAllowsNothing) {
  EXPECT_TRUE(Check("others' bindings give nothing", [] {
    const auto grants = *rc::gen::container<std::vector<Grant>>(AnyGrant(AnyLevel()));
    const catalog::Snapshot snapshot = SnapshotOf(grants);
    RC_ASSERT(!Decide(snapshot, "spiffe://t/nobody", Target{*AnyLevel()}, *AnyVerb()).allowed);
    RC_ASSERT(!Decide(snapshot, "", Target{*AnyLevel()}, *AnyVerb()).allowed);
  }));
}

TEST(DecisionProperties, ATenantsBindingsNeverReachAnother) {
  EXPECT_TRUE(Check("bindings on A say nothing about B or the service", [] {
    const std::string a = *AnyTenant();
    const std::string b = *AnyLevel();
    RC_PRE(a != b);
    const auto grants = *rc::gen::container<std::vector<Grant>>(AnyGrant(rc::gen::just(a)));
    RC_ASSERT(!Decide(SnapshotOf(grants), *AnyPrincipal(), Target{b}, *AnyVerb()).allowed);
  }));
}

TEST(DecisionProperties, MoreBindingsNeverAllowLess) {
  EXPECT_TRUE(Check("monotonic", [] {
    auto grants = *rc::gen::container<std::vector<Grant>>(AnyGrant(AnyLevel()));
    const std::string principal = *AnyPrincipal();
    const std::string level = *AnyLevel();
    const Verb verb = *AnyVerb();
    const bool before = Decide(SnapshotOf(grants), principal, Target{level}, verb).allowed;
    grants.push_back(*AnyGrant(AnyLevel()));
    const bool after = Decide(SnapshotOf(grants), principal, Target{level}, verb).allowed;
    RC_ASSERT(!before || after);
  }));
}

TEST(DecisionProperties, ADecisionIsSomeBindingsDecision) {
  EXPECT_TRUE(Check("allowed exactly if one binding allows", [] {
    const auto grants = *rc::gen::container<std::vector<Grant>>(AnyGrant(AnyLevel()));
    const std::string principal = *AnyPrincipal();
    const std::string level = *AnyLevel();
    const Verb verb = *AnyVerb();
    bool expected = false;
    for (const Grant& grant : grants) {
      expected =
          expected ||
          (grant.principal == principal && (grant.tenant.empty() || grant.tenant == level) &&
           RoleAllows(grant.role, grant.tenant.empty() ? Level::kService : Level::kTenant, verb));
    }
    const Decision decision = Decide(SnapshotOf(grants), principal, Target{level}, verb);
    RC_ASSERT(decision.allowed == expected);
    RC_ASSERT(!decision.reason.empty());
  }));
}

TEST(DecisionProperties, SigningNeedsATenantsOwnGrant) {
  EXPECT_TRUE(Check("service roles never sign", [] {
    const auto grants =
        *rc::gen::container<std::vector<Grant>>(AnyGrant(rc::gen::just(std::string())));
    RC_ASSERT(
        !Decide(SnapshotOf(grants), *AnyPrincipal(), Target{*AnyLevel()}, Verb::kSign).allowed);
  }));
}

}  // namespace
}  // namespace sealward::auth
