// Partition against store. If these break, a swapped key pair signs, or a lost
// one goes unnoticed until the rotation that needs it.
#include "server/lifecycle/reconcile.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "common/errors.h"
#include "tests/fakes/key_rig.h"

namespace sealward::lifecycle {
namespace {

using fakes::KeyRig;
using fakes::kKey;

class ReconcileTest : public testing::Test {
 protected:
  ReconcileTest() {
    rig_.AddTenantAndIssuer();
    EXPECT_TRUE(rig_.manager->CreateKey(KeyRig::NewKey(), absl::InfiniteFuture()).ok());
  }
  ReconcileReport Report() {
    const auto report =
        Reconcile(*rig_.catalog, rig_.partitions.all().front(), absl::InfiniteFuture());
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *report : ReconcileReport();
  }
  std::string ObjectId() const { return rig_.Key()->versions[0]->object_id; }

  KeyRig rig_;
};

TEST_F(ReconcileTest, NothingIsWrong) {
  const ReconcileReport report = Report();
  EXPECT_EQ(report.objects, 1U);
  EXPECT_EQ(report.Alarm(), "");
  EXPECT_TRUE(report.unknown.empty());
}

TEST_F(ReconcileTest, ALostObjectIsMissing) {
  rig_.partition.RemoveObject(ObjectId());
  const ReconcileReport report = Report();
  ASSERT_EQ(report.missing.size(), 1U);
  EXPECT_EQ(report.missing[0], "tenants/a/keys/web/versions/1");
  EXPECT_TRUE(absl::StrContains(report.Alarm(), "tenants/a/keys/web/versions/1"));
}

TEST_F(ReconcileTest, AnotherKeyPairIsWithheld) {
  rig_.partition.ReplaceKeyPair(ObjectId());
  rig_.driver->RunPass();
  EXPECT_TRUE(rig_.withheld.Contains(ObjectId()));
  EXPECT_FALSE(rig_.withheld.Contains("another"));
  EXPECT_TRUE(absl::StrContains(rig_.withheld.Alarm("default"), "tenants/a/keys/web/versions/1"));
}

TEST_F(ReconcileTest, AnotherLabelIsWithheld) {
  const std::string id = ObjectId();
  rig_.partition.RemoveObject(id);
  rig_.partition.AddObject(id, "tenants/b/keys/web");
  EXPECT_TRUE(Report().withheld.contains(id));
}

// A kill during a generation leaves objects behind: reported, no alarm.
TEST_F(ReconcileTest, UnknownObjectsAreListed) {
  rig_.partition.AddObject("0123456789abcdef", "tenants/z/keys/z");
  rig_.partition.SetUnattributable(3);
  const ReconcileReport report = Report();
  EXPECT_EQ(report.unknown, std::vector<std::string>{"30313233343536373839616263646566"});
  EXPECT_EQ(report.unattributable, 3U);
  EXPECT_EQ(report.Alarm(), "");
}

TEST_F(ReconcileTest, AnIntentIsNeitherMissingNorUnknown) {
  rig_.partition.LoseAnswersOfGenerate(1);
  EXPECT_FALSE(rig_.manager->Advance(kKey).ok());
  ASSERT_EQ(rig_.States(), "ACTIVE PENDING");
  const ReconcileReport report = Report();
  EXPECT_EQ(report.objects, 2U);
  EXPECT_TRUE(report.unknown.empty());
  EXPECT_TRUE(report.missing.empty());
}

TEST_F(ReconcileTest, ReadsAllPages) {
  constexpr int kObjects = 2 * static_cast<int>(kReconcilePageSize) + 3;
  for (int i = 0; i < kObjects; ++i) {
    rig_.partition.AddObject(absl::StrCat("object-", 100'000 + i), "tenants/z/keys/z");
  }
  const ReconcileReport report = Report();
  EXPECT_EQ(report.objects, static_cast<size_t>(kObjects) + 1);
  EXPECT_EQ(report.unknown.size(), static_cast<size_t>(kObjects));
}

TEST_F(ReconcileTest, IsTriedAgainAfterAnOutage) {
  rig_.partition.SetAvailable(false);
  rig_.driver->RunPass();
  rig_.partition.SetAvailable(true);
  rig_.partition.ReplaceKeyPair(ObjectId());
  rig_.clock.Advance(kFirstRetryDelay);
  rig_.driver->RunPass();
  EXPECT_TRUE(rig_.withheld.Contains(ObjectId()));
}

}  // namespace
}  // namespace sealward::lifecycle
