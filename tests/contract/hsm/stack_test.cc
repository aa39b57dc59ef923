// What signing leaves on the stack, seen from the thread that signed. If this goes, the
// burn after each signature can go: an idle process is still clean, but one that works
// keeps the nonces of signatures that others have already.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "common/measures.h"
#include "hsm/stack_burn.h"
#include "tests/contract/hsm/local_partition.h"
#include "tests/fakes/manual_clock.h"

namespace sealward::hsm_test {
namespace {

// The frames of dispatch and of this test lie above.
constexpr int kOwnFrames = 4 * 1024;
// What a thread that waits keeps below its stack pointer, and the frame that burns.
constexpr int kWaitingFrames = 512;

// Bytes that are not zero among those that a burn overwrites, read as a file: the
// memory below the stack pointer is no object of the language.
ptrdiff_t DirtyBytesBelow(const char* here, int own_frames = kOwnFrames) {
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  std::string below(static_cast<size_t>(hsm::kBurnBytes - own_frames), 'x');
  const auto from = reinterpret_cast<off_t>(here) - hsm::kBurnBytes;
  const ssize_t got = pread(memory, below.data(), below.size(), from);
  close(memory);
  if (got != static_cast<ssize_t>(below.size())) abort();
  return std::ranges::count_if(below, [](char byte) { return byte != 0; });
}

// As if the process had been started with that in its environment.
void Without(const char* measures) {
  setenv(kWithoutVariable, measures, 1);
  ReadOmittedAgain();
}

class StackTest : public ::testing::TestWithParam<v1::Algorithm> {
 protected:
  fakes::ManualClock clock_{absl::UnixEpoch()};
  LocalPartition partition_{clock_};
};

TEST_P(StackTest, HoldsNothingOnceSomethingIsSigned) {
  const auto key = partition_.CallOne(GenerateOp(Ref(Id(1)), GetParam())).public_key();
  const auto sign = SignOp(Ref(Id(1)), SigningInputFor(key));
  char here = 0;
  ASSERT_EQ(partition_.CallOne(sign).code(), 0);
  EXPECT_EQ(DirtyBytesBelow(&here), 0);
  Without("stack-burn");
  ASSERT_EQ(partition_.CallOne(sign).code(), 0);
  const ptrdiff_t dirty = DirtyBytesBelow(&here);
  Without("");
  EXPECT_GT(dirty, 100) << "the probe does not see what signing leaves";
}

// Stack pointers of the other threads, once each of them waits in the kernel.
std::vector<const char*> WaitingStacks() {
  std::vector<const char*> stacks;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (task.path().filename() == std::to_string(gettid())) continue;
    std::vector<std::string> words;
    while (words.size() < 2) {  // "running", or the call's number, arguments, sp and pc
      std::ifstream file(task.path() / "syscall");
      words.assign(std::istream_iterator<std::string>(file), {});
    }
    // The kernel prints an address, and there is no other way back from it.
    const size_t address = std::stoul(words[words.size() - 2], nullptr, 16);
    stacks.push_back(reinterpret_cast<const char*>(address));  // NOLINT(performance-no-int-to-ptr)
  }
  return stacks;
}

// The threads of ParallelSigner, whose stacks live as long as the process. A new thread may get
// the stack of one that ended, so this holds once in a process (not with --gtest_repeat).
class TeamStackTest : public ::testing::Test {
 protected:
  // What the dirtiest of the threads holds after packets that keep all of them busy.
  ptrdiff_t DirtyBytesOfTeam() {
    const auto key = partition_.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)).public_key();
    const std::vector<hsm::v1::Operation> packet(16, SignOp(Ref(Id(1)), SigningInputFor(key)));
    for (int round = 0; round < 20; ++round) partition_.Call(packet);
    ptrdiff_t dirty = 0;
    const std::vector<const char*> stacks = WaitingStacks();
    EXPECT_EQ(stacks.size(), 16U);
    for (const char* stack : stacks) {
      dirty = std::max(dirty, DirtyBytesBelow(stack, kWaitingFrames));
    }
    return dirty;
  }

  fakes::ManualClock clock_{absl::UnixEpoch()};
  LocalPartition partition_{clock_, "generic"};
};

TEST_F(TeamStackTest, HoldsNothingOnAnyThreadThatSigned) {
  EXPECT_EQ(DirtyBytesOfTeam(), 0);
  Without("stack-burn");
  const ptrdiff_t dirty = DirtyBytesOfTeam();
  Without("");
  EXPECT_GT(dirty, 100) << "the probe does not see what signing leaves";
}

INSTANTIATE_TEST_SUITE_P(EachKind, StackTest,
                         ::testing::Values(v1::ALGORITHM_ES256, v1::ALGORITHM_RS256_2048,
                                           v1::ALGORITHM_EDDSA_ED25519));

}  // namespace
}  // namespace sealward::hsm_test
