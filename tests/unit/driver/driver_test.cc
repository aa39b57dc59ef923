// The driver, pass by pass, on a clock of its own. If these break, a key is
// left without a successor after a restart or an outage.
#include "server/lifecycle/driver.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/fakes/key_rig.h"

namespace sealward::lifecycle {
namespace {

using fakes::KeyRig;
using fakes::kKey;

class DriverTest : public testing::Test {
 protected:
  DriverTest() { rig_.AddTenantAndIssuer(); }
  absl::Status Create() {
    return rig_.manager->CreateKey(KeyRig::NewKey(), absl::InfiniteFuture()).status();
  }
  KeyRig rig_;
};

TEST_F(DriverTest, StagesASuccessorRightAfterCreation) {
  rig_.driver->RunPass();
  ASSERT_TRUE(Create().ok());
  rig_.driver->RunPass();
  EXPECT_EQ(rig_.States(), "ACTIVE STAGED");
}

TEST_F(DriverTest, StagesASuccessorRightAfterASwitch) {
  ASSERT_TRUE(Create().ok());
  rig_.driver->RunPass();
  rig_.clock.Advance(fakes::kPropagation);
  rig_.driver->RunPass();
  EXPECT_EQ(rig_.States(), "ACTIVE STANDBY");
  ASSERT_TRUE(
      rig_.manager->RotateKey(
                      kKey, [](const catalog::Key&) { return true; }, absl::InfiniteFuture())
          .ok());
  rig_.driver->RunPass();
  EXPECT_EQ(rig_.States(), "VERIFY_ONLY ACTIVE STAGED");
}

TEST_F(DriverTest, TakesUpAnIntentAfterARestart) {
  rig_.partition.LoseAnswersOfGenerate(1);
  EXPECT_FALSE(Create().ok());
  rig_.Restart();
  rig_.driver->RunPass();
  EXPECT_EQ(rig_.States(), "ACTIVE");
  rig_.driver->RunPass();
  EXPECT_EQ(rig_.States(), "ACTIVE STAGED");
  EXPECT_EQ(rig_.partition.key_pairs_made(), 2);
}

TEST_F(DriverTest, WaitsLongerWithEveryFailureAndRecovers) {
  rig_.driver->RunPass();
  rig_.partition.SetAvailable(false);
  EXPECT_FALSE(Create().ok());
  absl::Duration expected = kFirstRetryDelay;
  for (int i = 0; i < 10; ++i) {
    const int before = rig_.partition.generate_requests();
    const absl::Time wake = rig_.driver->RunPass();
    EXPECT_EQ(rig_.partition.generate_requests(), before + 1);
    EXPECT_LE(wake, rig_.clock.Now() + expected);
    rig_.clock.Advance(expected - absl::Milliseconds(1));
    rig_.driver->RunPass();  // early: nothing is due
    EXPECT_EQ(rig_.partition.generate_requests(), before + 1);
    rig_.clock.Advance(absl::Milliseconds(1));
    expected = std::min(2 * expected, kLastRetryDelay);
  }
  rig_.partition.SetAvailable(true);
  rig_.driver->RunPass();
  EXPECT_EQ(rig_.States(), "ACTIVE");
}

// An absent HSM costs one try a pass, not one for each key.
TEST_F(DriverTest, AnOutageEndsThePass) {
  rig_.AddIssuer("tenants/a/issuers/shared", true);
  for (const char* name : {"tenants/a/keys/x", "tenants/a/keys/y", "tenants/a/keys/z"}) {
    ASSERT_TRUE(
        rig_.manager
            ->CreateKey(KeyRig::NewKey(name, "tenants/a/issuers/shared"), absl::InfiniteFuture())
            .ok());
  }
  rig_.driver->RunPass();
  rig_.driver->RunPass();
  rig_.partition.SetAvailable(false);
  for (const char* name : {"tenants/a/keys/x", "tenants/a/keys/y", "tenants/a/keys/z"}) {
    EXPECT_EQ(rig_.Key(name)->versions.size(), 2U) << name;
  }
  rig_.AddIssuer("tenants/a/issuers/more", true);
  for (const char* name : {"tenants/a/keys/p", "tenants/a/keys/q", "tenants/a/keys/r"}) {
    EXPECT_FALSE(
        rig_.manager
            ->CreateKey(KeyRig::NewKey(name, "tenants/a/issuers/more"), absl::InfiniteFuture())
            .ok());
  }
  const int before = rig_.partition.generate_requests();
  rig_.driver->RunPass();
  EXPECT_EQ(rig_.partition.generate_requests(), before + 1);
  rig_.partition.SetAvailable(true);
  for (int i = 0; i < 4; ++i) {
    rig_.clock.Advance(kFirstRetryDelay);
    rig_.driver->RunPass();
  }
  for (const char* name : {"tenants/a/keys/p", "tenants/a/keys/q", "tenants/a/keys/r"}) {
    EXPECT_FALSE(rig_.Key(name)->versions[0]->spki.empty()) << name;
  }
}

TEST_F(DriverTest, WakesAtTheNextChange) {
  ASSERT_TRUE(Create().ok());
  rig_.driver->RunPass();
  const absl::Time wake = rig_.driver->RunPass();
  EXPECT_LE(wake, rig_.clock.Now() + fakes::kPropagation);
  EXPECT_GT(wake, rig_.clock.Now());
}

TEST_F(DriverTest, TheThreadActsOnNoticeAndStops) {
  rig_.driver->Start();
  ASSERT_TRUE(Create().ok());
  // The second generation is the driver's; Advance would be left to it.
  rig_.partition.AwaitKeyPairs(2);
  rig_.driver->Stop();
  EXPECT_EQ(rig_.States(), "ACTIVE STAGED");
  rig_.driver->Stop();
}

}  // namespace
}  // namespace sealward::lifecycle
