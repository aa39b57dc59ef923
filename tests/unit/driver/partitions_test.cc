// Tenants with partitions of their own. If these break, a tenant's keys end up
// in another's HSM, or one HSM that fails holds up everybody's rotations.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "common/errors.h"
#include "tests/fakes/key_rig.h"

namespace sealward::lifecycle {
namespace {

using fakes::KeyRig;
using fakes::kKey;
using fakes::kOwnPartition;

constexpr char kOwnTenant[] = "tenants/b";
constexpr char kOwnIssuer[] = "tenants/b/issuers/main";
constexpr char kOwnKey[] = "tenants/b/keys/web";

class PartitionsOfTenantsTest : public testing::Test {
 protected:
  PartitionsOfTenantsTest() {
    rig_.AddTenantAndIssuer();
    rig_.AddTenant(kOwnTenant, kOwnPartition);
    rig_.AddIssuer(kOwnIssuer);
  }
  absl::Status Create(const std::string& key = kKey, const std::string& issuer = fakes::kIssuer) {
    return rig_.manager->CreateKey(KeyRig::NewKey(key, issuer), absl::InfiniteFuture()).status();
  }
  absl::Status CreateOwn() { return Create(kOwnKey, kOwnIssuer); }
  Driver& OwnDriver() { return rig_.drivers->At(kOwnPartition); }
  ReconcileReport Report(size_t partition) {
    return *Reconcile(*rig_.catalog, rig_.partitions.all().at(partition), absl::InfiniteFuture());
  }

  KeyRig rig_;
};

TEST_F(PartitionsOfTenantsTest, KeysAreMadeWhereTheirTenantIs) {
  ASSERT_TRUE(CreateOwn().ok());
  EXPECT_EQ(rig_.own_partition.key_pairs_made(), 1);
  EXPECT_EQ(rig_.partition.key_pairs_made(), 0);
  ASSERT_TRUE(Create().ok());
  EXPECT_EQ(rig_.partition.key_pairs_made(), 1);
  // A successor too, by the driver or by hand.
  OwnDriver().RunPass();
  EXPECT_EQ(rig_.own_partition.key_pairs_made(), 2);
  EXPECT_EQ(rig_.partition.key_pairs_made(), 1);
}

TEST_F(PartitionsOfTenantsTest, WhatItOffersIsAskedOfTheTenantsOwn) {
  rig_.own_partition.SetAlgorithms({v1::ALGORITHM_RS256_2048});
  EXPECT_EQ(ErrorReason(CreateOwn()), "ALGORITHM_UNAVAILABLE");
  EXPECT_TRUE(Create().ok());
}

TEST_F(PartitionsOfTenantsTest, ADriverLooksAfterItsOwnKeysOnly) {
  ASSERT_TRUE(Create().ok());
  ASSERT_TRUE(CreateOwn().ok());
  rig_.Restart();  // nothing was notified: both find their keys by themselves
  rig_.driver->RunPass();
  EXPECT_EQ(rig_.States(), "ACTIVE STAGED");
  EXPECT_EQ(rig_.States(kOwnKey), "ACTIVE");
  OwnDriver().RunPass();
  EXPECT_EQ(rig_.States(kOwnKey), "ACTIVE STAGED");
}

TEST_F(PartitionsOfTenantsTest, AnAbsentPartitionIsNothingToTheOthers) {
  ASSERT_TRUE(Create().ok());
  rig_.own_partition.SetAvailable(false);
  EXPECT_EQ(ErrorReason(CreateOwn()), "HSM_UNAVAILABLE");
  OwnDriver().RunPass();
  rig_.driver->RunPass();
  EXPECT_EQ(rig_.States(), "ACTIVE STAGED");
  EXPECT_EQ(rig_.States(kOwnKey), "PENDING");
  rig_.own_partition.SetAvailable(true);
  rig_.clock.Advance(kFirstRetryDelay);
  OwnDriver().RunPass();
  EXPECT_EQ(rig_.States(kOwnKey), "ACTIVE");
}

// One that hangs: its driver waits in it, nobody else's does.
TEST_F(PartitionsOfTenantsTest, APartitionThatHangsHoldsUpNobodyElse) {
  rig_.driver->Start();
  OwnDriver().Start();
  rig_.own_partition.BlockGenerate();
  std::thread creation([this] { EXPECT_TRUE(CreateOwn().ok()); });
  rig_.own_partition.AwaitBlockedGenerate();
  ASSERT_TRUE(Create().ok());
  rig_.partition.AwaitKeyPairs(2);  // the driver's successor
  rig_.own_partition.Unblock();
  creation.join();
  rig_.own_partition.AwaitKeyPairs(2);
  rig_.drivers->Stop();
  EXPECT_EQ(rig_.States(), "ACTIVE STAGED");
  EXPECT_EQ(rig_.States(kOwnKey), "ACTIVE STAGED");
}

TEST_F(PartitionsOfTenantsTest, EachIsComparedWithItsOwnTenantsKeys) {
  ASSERT_TRUE(Create().ok());
  ASSERT_TRUE(CreateOwn().ok());
  for (const size_t partition : {0U, 1U}) {
    const ReconcileReport report = Report(partition);
    EXPECT_EQ(report.objects, 1U);
    EXPECT_TRUE(report.missing.empty() && report.unknown.empty()) << partition;
  }
  rig_.own_partition.RemoveObject(rig_.Key(kOwnKey)->versions[0]->object_id);
  EXPECT_EQ(Report(1).missing, std::vector<std::string>{"tenants/b/keys/web/versions/1"});
  EXPECT_TRUE(Report(0).missing.empty());
}

// An object of another partition's tenant does not belong there, whoever put it.
TEST_F(PartitionsOfTenantsTest, AnotherTenantsObjectIsUnknown) {
  ASSERT_TRUE(Create().ok());
  rig_.own_partition.AddObject(rig_.Key()->versions[0]->object_id, kKey);
  EXPECT_EQ(Report(1).unknown.size(), 1U);
  EXPECT_TRUE(Report(1).withheld.empty());
}

TEST_F(PartitionsOfTenantsTest, WhatIsWithheldInOneStaysSoWhateverAnotherReports) {
  ASSERT_TRUE(Create().ok());
  ASSERT_TRUE(CreateOwn().ok());
  const std::string shared_id = rig_.Key()->versions[0]->object_id;
  const std::string own_id = rig_.Key(kOwnKey)->versions[0]->object_id;
  rig_.partition.ReplaceKeyPair(shared_id);
  rig_.driver->RunPass();
  OwnDriver().RunPass();
  EXPECT_TRUE(rig_.withheld.Contains(shared_id));
  EXPECT_FALSE(rig_.withheld.Contains(own_id));
  EXPECT_TRUE(absl::StrContains(rig_.withheld.Alarm("default"), kKey));
  EXPECT_EQ(rig_.withheld.Alarm(kOwnPartition), "");
  // Mended in one, broken in the other.
  rig_.withheld.Set("default", ReconcileReport());
  rig_.own_partition.ReplaceKeyPair(own_id);
  rig_.clock.Advance(kReconcilePeriod);
  OwnDriver().RunPass();
  EXPECT_FALSE(rig_.withheld.Contains(shared_id));
  EXPECT_TRUE(rig_.withheld.Contains(own_id));
}

TEST_F(PartitionsOfTenantsTest, WithoutItsPartitionATenantMakesNoKeys) {
  rig_.AddTenant("tenants/c", "gone");
  rig_.AddIssuer("tenants/c/issuers/main");
  EXPECT_EQ(ErrorReason(Create("tenants/c/keys/web", "tenants/c/issuers/main")),
            "PARTITION_NOT_CONFIGURED");
  EXPECT_FALSE(rig_.catalog->Get()->keys.contains("tenants/c/keys/web"));
  EXPECT_EQ(rig_.partition.key_pairs_made(), 0);
  EXPECT_TRUE(Create().ok());
}

// The configuration lost a partition that has keys.
TEST_F(PartitionsOfTenantsTest, KeysOfAPartitionThatIsGoneAreLeftAlone) {
  ASSERT_TRUE(CreateOwn().ok());
  const hsm_client::Partitions fewer({{"default", &rig_.partition}});
  rig_.drivers.reset();
  lifecycle::KeyManager manager({.catalog = rig_.catalog.get(),
                                 .partitions = &fewer,
                                 .clock = &rig_.clock,
                                 .metrics = &rig_.metrics,
                                 .epochs = rig_.epochs.get()});
  Drivers drivers({&manager, rig_.catalog.get(), &fewer, &rig_.clock, &rig_.metrics, &rig_.withheld,
                   rig_.epochs.get(), rig_.quarantine.get()});
  EXPECT_EQ(ErrorReason(manager.Advance(kOwnKey).status()), "PARTITION_NOT_CONFIGURED");
  drivers.At("default").RunPass();
  EXPECT_EQ(rig_.partition.key_pairs_made(), 0);
  const auto rotation =
      manager.RotateKey(kOwnKey, [](const catalog::Key&) { return true; }, absl::InfiniteFuture());
  EXPECT_EQ(ErrorReason(rotation.status()), "PARTITION_NOT_CONFIGURED");
}

}  // namespace
}  // namespace sealward::lifecycle
