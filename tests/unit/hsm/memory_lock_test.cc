// What is read of /proc/swaps. If this goes, a machine that swaps warns nobody.
#include "hsm/memory_lock.h"

#include <gtest/gtest.h>

namespace sealward::hsm {
namespace {

constexpr char kHeading[] = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

TEST(MemoryLockTest, SwapIsOnWhereAnAreaIsNamed) {
  EXPECT_FALSE(NamesSwap(""));
  EXPECT_FALSE(NamesSwap(kHeading));
  EXPECT_TRUE(NamesSwap(std::string(kHeading) +
                        "/dev/dm-1                               partition\t8388604\t0\t-2\n"));
  EXPECT_TRUE(NamesSwap(std::string(kHeading) + "/swapfile file 2097148 1024 -3\n"));
}

}  // namespace
}  // namespace sealward::hsm
