// Threads that do one thing together. Part of `./dev tsan`.
#include "hsm/thread_team.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <barrier>
#include <vector>

namespace sealward::hsm {
namespace {

using ::testing::Each;

// A signature that is not made, or made twice with one session, is what this prevents.
TEST(ThreadTeamTest, DoesEachItemOnceWhateverTheNumbers) {
  for (const size_t size : {1U, 2U, 16U}) {
    ThreadTeam team(size);
    for (const size_t items : {0U, 1U, 2U, 15U, 16U, 100U}) {
      std::vector<int> done(items);
      std::vector<int> busy(size);
      team.Run(items, [&](size_t item, size_t member) {
        EXPECT_EQ(busy.at(member)++, 0);
        ++done[item];
        --busy[member];
      });
      EXPECT_THAT(done, Each(1)) << items << " items of " << size;
    }
  }
}

// What the caller wrote before is there for the members, and what they wrote afterwards
// for the caller: without that a signature could be half a signature.
TEST(ThreadTeamTest, SharesMemoryAsOneThread) {
  ThreadTeam team(4);
  std::vector<int> values(8, 0);
  for (int round = 1; round <= 200; ++round) {
    team.Run(values.size(), [&](size_t item, size_t) { values[item] += round; });
  }
  EXPECT_THAT(values, Each(200 * 201 / 2));
}

// The purpose: as many items at the same time as there are members. It hangs if not.
TEST(ThreadTeamTest, AllMembersWorkAtTheSameTime) {
  constexpr size_t kSize = 16;
  ThreadTeam team(kSize);
  std::barrier all(kSize);
  std::array<bool, kSize> used{};
  team.Run(kSize, [&](size_t, size_t member) {
    all.arrive_and_wait();
    used[member] = true;
  });
  EXPECT_THAT(used, Each(true));
}

// Where no thread can be started (a limit of pids), the others do its items; if this
// goes, the process ends instead. Here no stack fits into the address space.
TEST(ThreadTeamTest, GoesOnWithoutTheThreadsThatCannotBeStarted) {
  pthread_attr_t usual;
  pthread_attr_t huge;
  ASSERT_EQ(pthread_getattr_default_np(&usual), 0);
  ASSERT_EQ(pthread_attr_init(&huge), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&huge, size_t{1} << 62), 0);
  ASSERT_EQ(pthread_setattr_default_np(&huge), 0);
  ThreadTeam team(4);
  ASSERT_EQ(pthread_setattr_default_np(&usual), 0);
  EXPECT_EQ(team.size(), 1U);
  std::vector<int> done(8);
  team.Run(done.size(), [&](size_t item, size_t member) {
    EXPECT_EQ(member, 0U);
    ++done[item];
  });
  EXPECT_THAT(done, Each(1));
}

}  // namespace
}  // namespace sealward::hsm
