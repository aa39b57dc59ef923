// What each kind of HSM must hold beside signing: the sandbox, the PIN, several processes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hsm/exit_codes.h"
#include "tests/contract/hsm/hsm_process.h"
#include "tests/contract/hsm/mark_operations.h"

namespace sealward::hsm_test {
namespace {

using ::testing::HasSubstr;

class KindTest : public ::testing::TestWithParam<HsmKind> {
 protected:
  TempPartition partition_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Kinds, KindTest, ::testing::ValuesIn(AllKinds()), KindName);

bool HasAnswer(const HsmProcess& process) {
  pollfd answer{process.fd(), POLLIN, 0};
  return poll(&answer, 1, 0) != 0;
}

// A module that waits for another process's lock in a way the sandbox does not know
// would be killed, and one that does not wait would fail.
TEST_P(KindTest, OneProcessSignsWhileAnotherGenerates) {
  HsmProcess signer(partition_.directory());
  ASSERT_TRUE(signer.Ready().ok()) << signer.Log();
  HsmProcess maker(partition_.directory());
  ASSERT_TRUE(maker.Ready().ok()) << maker.Log();
  const hsm::v1::Result made = signer.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256));
  ASSERT_EQ(made.code(), 0) << made.message();
  std::vector<hsm::v1::Operation> generations;
  for (int n = 2; n <= 9; ++n) {
    generations.push_back(GenerateOp(Ref(Id(n)), v1::ALGORITHM_ES256));
  }
  ASSERT_TRUE(maker.Post(generations).ok());
  const std::string input = SigningInputFor(made.public_key());
  do {
    // From the partition's own object each time, not from a copy of it.
    ASSERT_EQ(signer.CallOne(ForgetOp(Id(1))).code(), 0) << signer.Log();
    const hsm::v1::Result signature = signer.CallOne(SignOp(Ref(Id(1)), input));
    ASSERT_EQ(signature.code(), 0) << signature.message();
  } while (!HasAnswer(maker));
  const auto answer = maker.Receive();
  ASSERT_TRUE(answer.ok()) << maker.Log();
  for (const auto& result : answer->results()) EXPECT_EQ(result.code(), 0) << result.message();
}

// Two processes that both find an id free must not make two pairs under it: softokn
// would overwrite the first without a word.
TEST_P(KindTest, TwoProcessesGenerateOneId) {
  HsmProcess one(partition_.directory());
  HsmProcess two(partition_.directory());
  ASSERT_TRUE(one.Ready().ok() && two.Ready().ok());
  ASSERT_TRUE(one.Post({GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)}).ok());
  ASSERT_TRUE(two.Post({GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)}).ok());
  const auto first = one.Receive();
  const auto second = two.Receive();
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->results(0).public_key().spki(), second->results(0).public_key().spki());
  EXPECT_NE(first->results(0).public_key().existed(), second->results(0).public_key().existed());
}

// Hardware counts wrong PINs: whatever the module answers for one, it is presented once.
TEST_P(KindTest, AWrongPinLatches) {
  partition_.Write("pin", "not-the-pin-of-it", 0400);
  for (int start = 0; start < 2; ++start) {
    HsmProcess process(partition_.directory());
    EXPECT_FALSE(process.Ready().ok());
    EXPECT_EQ(process.Wait().exit_code, hsm::kExitPinLatched);
  }
  EXPECT_TRUE(partition_.Has("pin-latch"));
}

TEST_P(KindTest, ServesInTheSandbox) {
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok()) << process.Log();
  EXPECT_EQ(process.StatusLine("Seccomp"), "2");
  EXPECT_EQ(process.StatusLine("NoNewPrivs"), "1");
}

// Where nothing can be remembered, the server must be told so, not find it out later.
TEST_P(KindTest, MarksAreLeftOrRefused) {
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok()) << process.Log();
  ASSERT_EQ(process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)).code(), 0);
  const std::string expected = GetParam().has_marks ? "" : "NO_DATA_OBJECTS";
  EXPECT_EQ(process.CallOne(RevokeOp(Ref(Id(1)))).reason(), expected);
  EXPECT_EQ(process.CallOne(AdvanceOp('a', 1)).reason(), expected);
}

// init is for what it can make: an HSM's partition is made with its vendor's tools.
TEST(InitKindTest, RefusesProfilesThatItCannotMake) {
  const TempDirectory root;
  for (const char* profile : {"generic", "no-such-profile"}) {
    const Ended ended = RunHsm({"init", "--dir", root.Path("p"), "--profile", profile});
    EXPECT_EQ(ended.exit_code, hsm::kExitUsage);
    EXPECT_THAT(ended.log, HasSubstr(profile));
  }
}

// Softokn is told a token's label in a quoted string of its own.
TEST(InitKindTest, ASoftoknLabelMayHoldQuotes) {
  const TempDirectory root;
  ASSERT_EQ(chmod(root.Path("").c_str(), 0711), 0);
  const std::string label = R"(it's a \ "label")";
  const Ended ended =
      RunHsm({"init", "--dir", root.Path("p"), "--profile", "softokn", "--label", label});
  EXPECT_EQ(ended.exit_code, 0) << ended.log;
}

// What SQLite says then is a number that nobody knows. As root only: otherwise the
// partition's owner is the one who made the folder.
TEST(InitKindTest, SaysThatSoftoknCannotReachThePartition) {
  const TempDirectory root;
  const Ended ended = RunHsm({"init", "--dir", root.Path("p"), "--profile", "softokn"});
  EXPECT_EQ(ended.exit_code, geteuid() == 0 ? hsm::kExitBadConfiguration : hsm::kExitOk);
  EXPECT_THAT(ended.log, HasSubstr(geteuid() == 0 ? "chmod" : "initialised"));
}

}  // namespace
}  // namespace sealward::hsm_test
