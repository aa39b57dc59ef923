// Properties of authorization over random bindings. If one fails, a role reaches
// further than it was granted. RapidCheck prints the seed of a failure;
// RC_PARAMS="seed=…" replays it.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/auth/decision.h"

namespace sealward::auth {
namespace {

// Place is what a binding is made on, or what a verb is done to.
struct Place {
  std::string tenant;  // empty: service
  std::string key;     // empty: service or tenant
};

struct Grant {
  std::string principal;
  Place on;
  v1::Role role = v1::ROLE_UNSPECIFIED;
  int day = 0;
  bool bootstrap = false;
};

const std::vector<std::string> kPrincipals = {"spiffe://t/a", "spiffe://t/b", "subject:CN=c"};
const std::vector<std::string> kTenants = {"tenants/a", "tenants/b", "tenants/ab"};
constexpr int kLastDay = 3;

absl::Time TimeOf(int day) { return absl::UnixEpoch() + absl::Hours(24) * day; }

rc::Gen<std::string> AnyPrincipal() { return rc::gen::elementOf(kPrincipals); }
rc::Gen<Place> AnyTenant() {
  return rc::gen::map(rc::gen::elementOf(kTenants),
                      [](const std::string& tenant) { return Place{tenant, ""}; });
}
rc::Gen<Place> AnyKey() {
  return rc::gen::map(
      rc::gen::pair(rc::gen::elementOf(kTenants),
                    rc::gen::elementOf(std::vector<std::string>{"web", "we", "b"})),
      [](const auto& parts) { return Place{parts.first, parts.first + "/keys/" + parts.second}; });
}
rc::Gen<Place> AnyPlace() { return rc::gen::oneOf(rc::gen::just(Place{}), AnyTenant(), AnyKey()); }
rc::Gen<Verb> AnyVerb() {
  return rc::gen::elementOf(std::vector<Verb>(AllVerbs().begin(), AllVerbs().end()));
}
// Values of a later version too.
rc::Gen<v1::Role> AnyRole() {
  return rc::gen::map(rc::gen::inRange(0, v1::Role_MAX + 3),
                      [](int role) { return static_cast<v1::Role>(role); });
}
rc::Gen<Grant> AnyGrant(rc::Gen<Place> on) {
  return rc::gen::map(rc::gen::tuple(AnyPrincipal(), std::move(on), AnyRole(),
                                     rc::gen::inRange(0, kLastDay + 1), rc::gen::arbitrary<bool>()),
                      [](const auto& parts) {
                        return Grant{std::get<0>(parts), std::get<1>(parts), std::get<2>(parts),
                                     std::get<3>(parts), std::get<4>(parts)};
                      });
}
std::vector<Grant> SomeGrants(rc::Gen<Place> on) {
  return *rc::gen::container<std::vector<Grant>>(AnyGrant(std::move(on)));
}

catalog::Snapshot SnapshotOf(const std::vector<Grant>& grants) {
  catalog::Snapshot snapshot;
  for (const Grant& grant : grants) {
    auto binding = std::make_shared<catalog::RoleBinding>();
    binding->principal = grant.principal;
    binding->tenant = grant.on.tenant;
    binding->key = grant.on.key;
    binding->role = grant.role;
    binding->create_time = TimeOf(grant.day);
    binding->bootstrap = grant.bootstrap;
    snapshot.bindings[grant.principal].push_back(binding);
  }
  return snapshot;
}

Target TargetOf(const Place& place) { return Target{place.tenant, place.key}; }

Level LevelOf(const Place& place) {
  if (!place.key.empty()) return Level::kKey;
  return place.tenant.empty() ? Level::kService : Level::kTenant;
}

// The specification, said another way than decision.cc does.
bool Allows(const Grant& grant, const std::string& principal, const Place& place, Verb verb) {
  if (grant.principal != principal || !RoleAllows(grant.role, LevelOf(grant.on), verb))
    return false;
  if (grant.on.tenant.empty()) return true;
  if (grant.on.key.empty()) return grant.on.tenant == place.tenant;
  return grant.on.tenant == place.tenant && grant.on.key == place.key;
}

bool Check(const std::string& name, const std::function<void()>& property) {
  return rc::check(name, property);
}

TEST(DecisionProperties, NoBindingAllowsNothing) {
  EXPECT_TRUE(Check("others' bindings give nothing", [] {
    const catalog::Snapshot snapshot = SnapshotOf(SomeGrants(AnyPlace()));
    const Place place = *AnyPlace();
    RC_ASSERT(!Decide(snapshot, "spiffe://t/nobody", TargetOf(place), *AnyVerb()).allowed);
    RC_ASSERT(!Decide(snapshot, "", TargetOf(place), *AnyVerb()).allowed);
  }));
}

TEST(DecisionProperties, ATenantsBindingsNeverReachAnother) {
  EXPECT_TRUE(Check("bindings on A and its keys say nothing about B or the service", [] {
    const Place a = *rc::gen::oneOf(AnyTenant(), AnyKey());
    const Place b = *AnyPlace();
    RC_PRE(a.tenant != b.tenant);
    const auto snapshot = SnapshotOf(SomeGrants(rc::gen::just(a)));
    RC_ASSERT(!Decide(snapshot, *AnyPrincipal(), TargetOf(b), *AnyVerb()).allowed);
  }));
}

TEST(DecisionProperties, AKeysBindingsNeverReachAnything) {
  EXPECT_TRUE(Check("bindings on a key say nothing about its siblings or its tenant", [] {
    const Place key = *AnyKey();
    const Place other = *rc::gen::oneOf(AnyPlace(), rc::gen::just(Place{key.tenant, ""}));
    RC_PRE(key.key != other.key);
    const auto snapshot = SnapshotOf(SomeGrants(rc::gen::just(key)));
    RC_ASSERT(!Decide(snapshot, *AnyPrincipal(), TargetOf(other), *AnyVerb()).allowed);
  }));
}

TEST(DecisionProperties, MoreBindingsNeverAllowLess) {
  EXPECT_TRUE(Check("monotonic", [] {
    auto grants = SomeGrants(AnyPlace());
    const std::string principal = *AnyPrincipal();
    const Place place = *AnyPlace();
    const Verb verb = *AnyVerb();
    const absl::Time before = TimeOf(*rc::gen::inRange(0, kLastDay + 2));
    const bool fewer = Decide(SnapshotOf(grants), principal, TargetOf(place), verb, before).allowed;
    grants.push_back(*AnyGrant(AnyPlace()));
    std::rotate(grants.begin(), grants.end() - 1, grants.end());
    const bool more = Decide(SnapshotOf(grants), principal, TargetOf(place), verb, before).allowed;
    RC_ASSERT(!fewer || more);
  }));
}

TEST(DecisionProperties, ADecisionIsSomeBindingsDecision) {
  EXPECT_TRUE(Check("allowed exactly if one binding allows", [] {
    const auto grants = SomeGrants(AnyPlace());
    const std::string principal = *AnyPrincipal();
    const Place place = *AnyPlace();
    const Verb verb = *AnyVerb();
    const int today = *rc::gen::inRange(0, kLastDay + 2);
    const bool ever = std::ranges::any_of(
        grants, [&](const Grant& grant) { return Allows(grant, principal, place, verb); });
    const bool by_today = std::ranges::any_of(grants, [&](const Grant& grant) {
      return Allows(grant, principal, place, verb) && (grant.day < today || grant.bootstrap);
    });
    const catalog::Snapshot snapshot = SnapshotOf(grants);
    const Decision decision = Decide(snapshot, principal, TargetOf(place), verb);
    RC_ASSERT(decision.allowed == ever);
    RC_ASSERT(!decision.reason.empty());
    const Decision aged = Decide(snapshot, principal, TargetOf(place), verb, TimeOf(today));
    RC_ASSERT(aged.allowed == by_today);
    RC_ASSERT(!aged.reason.empty());
  }));
}

TEST(DecisionProperties, SigningNeedsATenantsOrAKeysOwnGrant) {
  EXPECT_TRUE(Check("service roles never sign, whatever they are", [] {
    const auto snapshot = SnapshotOf(SomeGrants(rc::gen::just(Place{})));
    RC_ASSERT(!Decide(snapshot, *AnyPrincipal(), TargetOf(*AnyPlace()), Verb::kSign).allowed);
  }));
}

}  // namespace
}  // namespace sealward::auth
