// If these go, a partition that is gone or a store that is old may raise no alarm, and
// one tenant's reader may see another's.
#include "server/alarms/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/fakes/key_rig.h"

namespace sealward::alarms {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

bool Everything(absl::string_view /*resource*/) { return true; }

std::vector<std::string> Names(const std::vector<Alarm>& alarms) {
  std::vector<std::string> names;
  names.reserve(alarms.size());
  for (const Alarm& alarm : alarms) {
    names.push_back(absl::StrCat(InfoOf(alarm.kind).name, " ", alarm.resource));
  }
  return names;
}

class EvaluateTest : public testing::Test {
 protected:
  EvaluateTest() {
    shared_.name = "default";
    shared_.is_reachable = true;
    clock_.time = rig_.clock.Now();
  }
  std::vector<std::string> Evaluated(const Wanted& wanted = Everything) {
    return Names(Evaluate({snapshot_, {shared_}, clock_}, wanted));
  }

  fakes::KeyRig rig_;
  catalog::Snapshot snapshot_;
  PartitionFacts shared_;
  lifecycle::ClockState clock_;
};

TEST_F(EvaluateTest, NoneWhereNothingIsWrong) { EXPECT_THAT(Evaluated(), IsEmpty()); }

TEST_F(EvaluateTest, PartitionsThatDoNotServe) {
  shared_.is_reachable = false;
  shared_.pin_latched = true;
  shared_.differences = "1 versions without their HSM object";
  EXPECT_THAT(Evaluated(),
              ElementsAre("HSM_UNREACHABLE partitions/default", "PIN_LATCHED partitions/default",
                          "RECONCILE_DIFFERENCE partitions/default"));
}

TEST_F(EvaluateTest, APartitionThatTheConfigurationLost) {
  auto tenant = std::make_shared<catalog::Tenant>();
  tenant->name = "tenants/a";
  tenant->partition = "vault-b";
  snapshot_.tenants[tenant->name] = tenant;
  EXPECT_THAT(Evaluated(), ElementsAre("HSM_UNREACHABLE partitions/vault-b"));
}

TEST_F(EvaluateTest, WhatIsPurgedIsNoLongerInQuarantine) {
  const std::string id(32, 'a');
  shared_.unknown = {id};
  EXPECT_THAT(Evaluated(), ElementsAre("QUARANTINE_NOT_EMPTY partitions/default"));
  const std::string name = absl::StrCat("partitions/default/quarantinedObjects/", id);
  snapshot_.quarantine[name] = std::make_shared<catalog::QuarantinedObject>();
  EXPECT_THAT(Evaluated(), IsEmpty());
  shared_.unattributable = 1;
  EXPECT_THAT(Evaluated(), ElementsAre("QUARANTINE_NOT_EMPTY partitions/default"));
}

// The next comparison with the partition may be an hour away.
TEST_F(EvaluateTest, WhatWasAdoptedIsNoLongerInQuarantine) {
  rig_.AddTenantAndIssuer();
  const auto key =
      *rig_.manager->CreateKey(fakes::KeyRig::NewKey(), rig_.clock.Now() + absl::Hours(1));
  const auto is_partitions = [](absl::string_view resource) {
    return absl::StartsWith(resource, "partitions/");
  };
  shared_.unknown = {absl::BytesToHexString(key->versions[0]->object_id)};
  EXPECT_THAT(Evaluated(is_partitions), ElementsAre("QUARANTINE_NOT_EMPTY partitions/default"));
  snapshot_ = *rig_.catalog->Get();
  EXPECT_THAT(Evaluated(is_partitions), IsEmpty());
}

TEST_F(EvaluateTest, AStoreThatIsOld) {
  auto memory = std::make_shared<catalog::PartitionMemory>();
  memory->name = "partitions/default";
  snapshot_.partitions[memory->name] = memory;
  EXPECT_THAT(Evaluated(), IsEmpty());
  memory = std::make_shared<catalog::PartitionMemory>(*memory);
  memory->rolled_back = clock_.time;
  snapshot_.partitions[memory->name] = memory;
  EXPECT_THAT(Evaluated(), ElementsAre("STORE_OLDER_THAN_PARTITION partitions/default"));
}

TEST_F(EvaluateTest, AFrozenClock) {
  clock_.frozen = clock_.time;
  clock_.reason = "set ahead";
  EXPECT_THAT(Evaluated(), ElementsAre("CLOCK_FROZEN "));
  const auto alarms = Evaluate({snapshot_, {shared_}, clock_}, Everything);
  EXPECT_EQ(alarms[0].since, clock_.frozen);
  EXPECT_EQ(alarms[0].detail, "set ahead");
}

// The driver is what makes successors: without it the alarms come by themselves.
TEST_F(EvaluateTest, KeysOfADriverThatDoesNothing) {
  rig_.AddTenantAndIssuer();
  ASSERT_TRUE(
      rig_.manager->CreateKey(fakes::KeyRig::NewKey(), rig_.clock.Now() + absl::Hours(1)).ok());
  snapshot_ = *rig_.catalog->Get();
  EXPECT_THAT(Evaluated(), IsEmpty());
  clock_.time += kSuccessorSlack + absl::Seconds(1);
  EXPECT_THAT(Evaluated(), ElementsAre(absl::StrCat("SUCCESSOR_LATE ", fakes::kKey)));
  EXPECT_THAT(Evaluated([](absl::string_view resource) {
                return !absl::StartsWith(resource, "tenants/a/");
              }),
              IsEmpty());
  const LifecycleGauges gauges = GaugesOf({snapshot_, {}, clock_});
  EXPECT_EQ(gauges.oldest_signing_age,
            clock_.time - snapshot_.keys.at(fakes::kKey)->versions[0]->times.activate);
  EXPECT_EQ(gauges.to_generate, 0);
}

TEST_F(EvaluateTest, AJwksThatIsFull) {
  rig_.AddTenantAndIssuer();
  ASSERT_TRUE(
      rig_.manager->CreateKey(fakes::KeyRig::NewKey(), rig_.clock.Now() + absl::Hours(1)).ok());
  snapshot_ = *rig_.catalog->Get();
  auto issuer = std::make_shared<catalog::Issuer>(*snapshot_.issuers.at(fakes::kIssuer));
  issuer->max_jwks_keys = 1;
  auto key = std::make_shared<catalog::Key>(*snapshot_.keys.at(fakes::kKey));
  key->issuer = issuer;
  snapshot_.issuers[issuer->name] = issuer;
  snapshot_.keys[key->name] = key;
  snapshot_.keys_of_issuer[issuer->name] = {key};
  EXPECT_THAT(Evaluated(), ElementsAre(absl::StrCat("JWKS_FULL ", fakes::kIssuer)));
}

}  // namespace
}  // namespace sealward::alarms
