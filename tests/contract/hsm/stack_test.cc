// What signing leaves on the stack, seen from the thread that signed. If this goes, the
// burn after each signature can go: an idle process is still clean, but one that works
// keeps the nonces of signatures that others have already.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "common/measures.h"
#include "hsm/stack_burn.h"
#include "tests/contract/hsm/local_partition.h"
#include "tests/fakes/manual_clock.h"

namespace sealward::hsm_test {
namespace {

// The frames of dispatch and of this test lie above.
constexpr int kOwnFrames = 4 * 1024;

// Bytes that are not zero among those that a burn overwrites, read as a file: the
// memory below the stack pointer is no object of the language.
ptrdiff_t DirtyBytesBelow(const char* here) {
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  std::string below(static_cast<size_t>(hsm::kBurnBytes - kOwnFrames), 'x');
  const auto from = reinterpret_cast<off_t>(here) - hsm::kBurnBytes;
  const ssize_t got = pread(memory, below.data(), below.size(), from);
  close(memory);
  if (got != static_cast<ssize_t>(below.size())) abort();
  return std::ranges::count_if(below, [](char byte) { return byte != 0; });
}

class StackTest : public ::testing::TestWithParam<v1::Algorithm> {
 protected:
  // As if the process had been started with that in its environment.
  static void Without(const char* measures) {
    setenv(kWithoutVariable, measures, 1);
    ReadOmittedAgain();
  }

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

INSTANTIATE_TEST_SUITE_P(EachKind, StackTest,
                         ::testing::Values(v1::ALGORITHM_ES256, v1::ALGORITHM_RS256_2048,
                                           v1::ALGORITHM_EDDSA_ED25519));

}  // namespace
}  // namespace sealward::hsm_test
