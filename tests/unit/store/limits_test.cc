#include "server/store/limits.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "absl/strings/match.h"

namespace sealward::store {
namespace {

TEST(PrefixEndTest, CountsTheLastByteUp) {
  EXPECT_EQ(PrefixEnd("a"), "b");
  EXPECT_EQ(PrefixEnd("tenants/"), "tenants0");
  EXPECT_EQ(PrefixEnd("a\xff\xff"), "b");
  EXPECT_EQ(PrefixEnd("\x7f"), "\x80");
  EXPECT_EQ(PrefixEnd(absl::string_view("\0", 1)), "\x01");
}

// Engines that compare with "less than" need an end even where there is none.
TEST(PrefixEndTest, OfHighBytesIsAfterEveryKey) {
  const std::string greatest(kMaxKeyBytes, '\xff');
  for (const std::string& prefix : {std::string(), std::string("\xff"), greatest}) {
    EXPECT_GT(PrefixEnd(prefix), greatest);
  }
}

TEST(ListStartTest, IsWithinThePrefixAndAfterTheLastKey) {
  EXPECT_EQ(ListStart("b", ""), "b");
  EXPECT_EQ(ListStart("b", "a"), "b");
  EXPECT_EQ(ListStart("b", "b"), std::string("b\0", 2));
  EXPECT_EQ(ListStart("b", "c"), std::string("c\0", 2));
}

// A range that is off by one byte would leak one tenant's records into another's listing.
RC_GTEST_PROP(RangeTest, HoldsExactlyThePrefixAfterTheStart,
              (const std::string& prefix, const std::string& after, const std::string& suffix)) {
  const auto key = *rc::gen::element(prefix + suffix, suffix, after, after + suffix, prefix);
  RC_PRE(key.size() <= kMaxKeyBytes && prefix.size() <= kMaxKeyBytes);
  const bool listed = absl::StartsWith(key, prefix) && (after.empty() || key > after);
  RC_ASSERT(listed == (key >= ListStart(prefix, after) && key < PrefixEnd(prefix)));
}

}  // namespace
}  // namespace sealward::store
