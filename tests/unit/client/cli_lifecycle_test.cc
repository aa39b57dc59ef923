// What the lifecycle commands print and send. If these go, whoever is woken by a stolen
// key reads the wrong thing, or one flag resets the rest of a policy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/duration.h"
#include "client/cli/names.h"
#include "client/cli/policy_options.h"
#include "client/cli/revocation_text.h"

namespace sealward::client::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr absl::Duration kDay = absl::Hours(24);

v1::RevokeResponse Response() {
  v1::RevokeResponse response;
  v1::RevokedVersion& revoked = *response.add_versions();
  revoked.mutable_version()->set_name("tenants/demo/keys/main/versions/3");
  revoked.mutable_version()->set_kid("stolen-kid");
  revoked.set_promoted_version("tenants/demo/keys/main/versions/4");
  revoked.add_exposures()->set_validators("Timed");
  revoked.mutable_exposures(0)->mutable_until()->set_seconds(1'800'000'000);
  revoked.add_exposures()->set_validators("Missing");
  v1::UntilFreshKid& fresh = *revoked.mutable_exposures(1)->mutable_until_fresh_kid();
  fresh.set_version("tenants/demo/keys/main/versions/5");
  fresh.mutable_planned_time()->set_seconds(1'800'000'060);
  revoked.add_exposures()->set_validators("Endless");
  revoked.mutable_exposures(2)->set_unbounded(true);
  revoked.set_live_jwts(42);
  revoked.mutable_live_jwts_until()->set_seconds(1'800'003'600);
  return response;
}

TEST(RevocationText, SaysWhatSignsAndWhoStillTrusts) {
  const std::string text = RevocationText(Response(), false);
  EXPECT_THAT(text, HasSubstr("versions/3 is revoked (kid stolen-kid)"));
  EXPECT_THAT(text, HasSubstr("Version 4 signs now."));
  EXPECT_THAT(text, HasSubstr("until 2027-01-15T08:00:00Z"));
  EXPECT_THAT(text, HasSubstr("the first JWT of version 5, which is still to be generated, planned "
                              "for 2027-01-15T08:01:00Z"));
  EXPECT_THAT(text, HasSubstr("UNBOUNDED"));
  EXPECT_THAT(text, HasSubstr("42 that this server has signed"));
  EXPECT_THAT(text, Not(HasSubstr("tombstone")));
}

TEST(RevocationText, APreviewNeverSoundsLikeTheDeed) {
  const std::string text = RevocationText(Response(), true);
  EXPECT_THAT(text, HasSubstr("Nothing was changed"));
  EXPECT_THAT(text, HasSubstr("would be revoked"));
  EXPECT_THAT(text, Not(HasSubstr("signs now")));
  EXPECT_THAT(text, Not(HasSubstr("is revoked")));
}

TEST(RevocationText, SaysWhatIsLeftToDo) {
  v1::RevokeResponse response = Response();
  response.mutable_versions(0)->set_tombstone_pending(true);
  response.mutable_versions(0)->clear_promoted_version();
  response.add_unserved_keys()->set_key("tenants/demo/keys/main");
  const std::string text = RevocationText(response, false);
  EXPECT_THAT(text, HasSubstr("tombstone"));
  EXPECT_THAT(text, HasSubstr("tenants/demo/keys/main signs NOTHING until a new version"));
}

v1::RotationPolicy Policy(absl::Duration period, absl::Duration signing, absl::Duration standby) {
  v1::RotationPolicy policy;
  *policy.mutable_rotation_period() = ToProto(period);
  *policy.mutable_max_signing_time() = ToProto(signing);
  *policy.mutable_max_standby_time() = ToProto(standby);
  *policy.mutable_destroy_after() = ToProto(90 * kDay);
  return policy;
}

TEST(PolicyFlags, WhatIsNotGivenStaysAndDefaultsFollow) {
  PolicyFlags flags;
  flags.rotation_period = "10d";
  v1::RotationPolicy defaults = Policy(30 * kDay, 60 * kDay, 60 * kDay);
  ASSERT_TRUE(flags.Fill(defaults).ok());
  EXPECT_EQ(FromProto(defaults.rotation_period()), 10 * kDay);
  EXPECT_FALSE(defaults.has_max_signing_time());
  EXPECT_FALSE(defaults.has_max_standby_time());
  EXPECT_EQ(FromProto(defaults.destroy_after()), 90 * kDay);
  v1::RotationPolicy own = Policy(30 * kDay, 45 * kDay, 40 * kDay);
  ASSERT_TRUE(flags.Fill(own).ok());
  EXPECT_EQ(FromProto(own.max_signing_time()), 45 * kDay);
  EXPECT_EQ(FromProto(own.max_standby_time()), 40 * kDay);
}

TEST(PolicyFlags, NeverUnsetsAndNonsenseIsRefused) {
  PolicyFlags flags;
  flags.rotation_period = "never";
  flags.destroy_after = "never";
  v1::RotationPolicy policy = Policy(30 * kDay, 60 * kDay, 60 * kDay);
  ASSERT_TRUE(flags.Fill(policy).ok());
  EXPECT_FALSE(policy.has_rotation_period());
  EXPECT_FALSE(policy.has_destroy_after());
  flags.max_signing_time = "never";
  EXPECT_FALSE(flags.Fill(policy).ok());
}

TEST(Names, OfVersionsPartitionsAndForeignKeys) {
  EXPECT_EQ(ExpandVersion("demo/main/3")->ToString(), "tenants/demo/keys/main/versions/3");
  EXPECT_EQ(ExpandForeignKey("demo/login/old")->ToString(),
            "tenants/demo/issuers/login/foreignKeys/old");
  EXPECT_EQ(ExpandPartition("shared")->ToString(), "partitions/shared");
  const std::string id = "00112233445566778899aabbccddeeff";
  EXPECT_EQ(ExpandQuarantinedObject("shared/" + id)->ToString(),
            "partitions/shared/quarantinedObjects/" + id);
  for (const char* bad : {"demo/main", "demo/main/x", "demo/main/3/4", ""}) {
    EXPECT_FALSE(ExpandVersion(bad).ok()) << bad;
  }
  EXPECT_FALSE(ExpandQuarantinedObject("shared/xyz").ok());
}

}  // namespace
}  // namespace sealward::client::cli
