// Which partition a tenant's keys are in. If this breaks, one tenant's keys are
// made in another's HSM.
#include "server/hsm_client/partitions.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "common/errors.h"
#include "tests/fakes/fake_partition.h"

namespace sealward::hsm_client {
namespace {

class PartitionsTest : public testing::Test {
 protected:
  fakes::FakePartition shared_, own_;
  Partitions partitions_{{{"default", &shared_}, {"vault-b", &own_}}};
};

TEST_F(PartitionsTest, FindsEachByItsName) {
  EXPECT_EQ(*partitions_.Find(""), &shared_);
  EXPECT_EQ(*partitions_.Find("default"), &shared_);
  EXPECT_EQ(*partitions_.Find("vault-b"), &own_);
}

// Never the shared one in its place: that would sign with keys of another token,
// or make keys where the tenant was promised they are not.
TEST_F(PartitionsTest, OneThatIsNotConfiguredIsUnavailable) {
  for (const char* name : {"vault-c", "vault", "vault-b ", "Default", "vault-bb"}) {
    const absl::Status status = partitions_.Find(name).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << name;
    EXPECT_EQ(ErrorReason(status), "PARTITION_NOT_CONFIGURED");
    EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat("[partitions.", name, "]")));
    EXPECT_FALSE(partitions_.Contains(name)) << name;
  }
}

}  // namespace
}  // namespace sealward::hsm_client
