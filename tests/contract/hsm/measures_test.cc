// Every hardening measure has a probe, and every probe turns red when its measure is
// left out. If this goes, a line of hardening can go as well, and nothing notices.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/contract/hsm/probes.h"

namespace sealward::hsm_test {
namespace {

class MeasuresTest : public ::testing::TestWithParam<Probe> {
 protected:
  MeasuresTest() {
    const gid_t group = 4;
    if (geteuid() == 0 && setgroups(1, &group) != 0) abort();
  }
};

TEST_P(MeasuresTest, HoldsAndIsMissed) {
  const Probe& probe = GetParam();
  Subject whole(probe.also_without);
  ASSERT_TRUE(whole.serves()) << whole.process().Log();
  EXPECT_TRUE(probe.holds(whole)) << whole.process().Log();
  Subject without(absl::StrCat(probe.measure, ",", probe.also_without));
  ASSERT_TRUE(without.serves()) << without.process().Log();
  EXPECT_FALSE(probe.holds(without)) << "the probe does not see that the measure is missing";
}

INSTANTIATE_TEST_SUITE_P(EachMeasure, MeasuresTest, ::testing::ValuesIn(AllProbes()),
                         [](const auto& probe) {
                           std::string name = probe.param.measure;
                           std::erase(name, '-');
                           return name;
                         });

// A signer that stays root is stopped by the next check: the PIN is another user's.
TEST(MeasuresTogetherTest, AsRootItDoesNotGetToThePin) {
  if (geteuid() != 0) return;  // then there is no root to stay
  Subject subject("own-user");
  EXPECT_FALSE(subject.serves());
  EXPECT_THAT(subject.process().Wait().log, ::testing::HasSubstr("PIN file"));
}

// Without no_new_privs a process that is not root gets no sandbox, and does not serve.
TEST(MeasuresTogetherTest, NoSandboxWithoutNoNewPrivs) {
  Subject subject("no-new-privs");
  EXPECT_FALSE(subject.serves());
}

// The PIN is wiped after the login; what the test knows of the process is found.
TEST(MeasuresTogetherTest, ThePinIsNotInMemory) {
  Subject subject("not-dumpable");
  ASSERT_TRUE(subject.serves());
  EXPECT_EQ(subject.Count(subject.partition().Read("pin")), 0);
  EXPECT_GT(subject.Count("CKR_PIN_INCORRECT"), 0) << "positive control";
}

struct Combination {
  const char* without;
  bool dumps;  // a crash leaves a core
  bool opens;  // a process of the same user reads its memory
};

// core_pattern is the host's own. tests/containment sets others under this lock.
class HostsCorePattern {
 public:
  HostsCorePattern() : lock_(open(kLock, O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (flock(lock_, LOCK_EX) != 0) abort();
    std::getline(std::ifstream("/proc/sys/kernel/core_pattern"), pattern_);
  }
  ~HostsCorePattern() { close(lock_); }
  HostsCorePattern(const HostsCorePattern&) = delete;
  HostsCorePattern& operator=(const HostsCorePattern&) = delete;
  // Cores go to a socket, for which RLIMIT_CORE is not asked (core(5)).
  bool is_socket() const { return pattern_.starts_with('@'); }

 private:
  static constexpr char kLock[] = "/run/lock/sealward-core-pattern.lock";
  const int lock_;
  std::string pattern_;
};

// Which measures keep a crash from leaving a core, and another process from reading:
// of the first two either does, where cores go to files or pipes; of the others none. A kernel, a
// libc or a core_pattern for which this is not so shows here.
constexpr Combination kCombinations[] = {
    {"", false, false},
    {"core-limit", false, false},
    {"not-dumpable", false, true},
    {"core-limit,not-dumpable", true, true},
    {"core-limit,sandbox", false, false},
    {"sandbox,no-new-privs,stack-burn,wipe-on-free,memory-lock", false, false},
    {"core-limit,not-dumpable,sandbox,no-new-privs", true, true},
};

TEST(MeasuresTogetherTest, TheCombinationsThatMustDump) {
  const HostsCorePattern core_pattern;
  rlimit cores{};
  ASSERT_EQ(getrlimit(RLIMIT_CORE, &cores), 0);
  cores.rlim_cur = cores.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_CORE, &cores), 0);
  ASSERT_GT(cores.rlim_cur, 1U << 20)
      << "this machine lets no process dump core: nothing is proved";
  for (const Combination& combination : kCombinations) {
    SCOPED_TRACE(combination.without);
    Subject subject(combination.without);
    ASSERT_TRUE(subject.serves()) << subject.process().Log();
    EXPECT_EQ(subject.Count("CKR_PIN_INCORRECT") > 0, combination.opens);
    subject.process().Kill(SIGSEGV);
    const Ended ended = subject.process().Wait();
    EXPECT_EQ(ended.signal, SIGSEGV);
    EXPECT_EQ(ended.dumped_core,
              combination.dumps || (core_pattern.is_socket() && combination.opens));
  }
}

}  // namespace
}  // namespace sealward::hsm_test
