// The queue of keys. If it breaks, a key is forgotten, or the most urgent one waits.
#include "server/lifecycle/due_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sealward::lifecycle {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const absl::Time kNow = absl::UnixEpoch() + absl::Hours(1);

TEST(DueKeysTest, TakesTheMostUrgentFirst) {
  DueKeys due;
  due.Put("late", kNow - absl::Hours(1));
  due.Put("later", kNow - absl::Hours(2));
  due.Put("revoked", absl::InfinitePast());
  due.Put("soon", kNow + absl::Seconds(1));
  EXPECT_EQ(due.Next(), absl::InfinitePast());
  EXPECT_THAT(due.Take(kNow, 2), ElementsAre("revoked", "later"));
  EXPECT_THAT(due.Take(kNow, 10), ElementsAre("late"));
  EXPECT_EQ(due.Next(), kNow + absl::Seconds(1));
  EXPECT_THAT(due.Take(kNow, 10), IsEmpty());
  EXPECT_THAT(due.Take(kNow + absl::Seconds(1), 10), ElementsAre("soon"));
  EXPECT_TRUE(due.empty());
  EXPECT_EQ(due.Next(), absl::InfiniteFuture());
}

TEST(DueKeysTest, AKeyIsInOnceAtItsEarliestTime) {
  DueKeys due;
  due.Put("key", kNow);
  due.Put("key", kNow + absl::Hours(1));
  EXPECT_EQ(due.Next(), kNow);
  due.Put("key", kNow - absl::Hours(1));
  EXPECT_EQ(due.Next(), kNow - absl::Hours(1));
  EXPECT_THAT(due.Take(kNow, 10), ElementsAre("key"));
  EXPECT_TRUE(due.empty());
  due.Put("key", absl::InfiniteFuture());
  EXPECT_TRUE(due.empty());
  due.Put("key", kNow);  // and in again
  EXPECT_THAT(due.Take(kNow, 10), ElementsAre("key"));
}

}  // namespace
}  // namespace sealward::lifecycle
