// Several sessions in one process, on an HSM across a network (tests/fakes/pkcs11_shim).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "tests/contract/hsm/hsm_process.h"

namespace sealward::hsm_test {
namespace {

using Clock = std::chrono::steady_clock;

// Operations of one packet.
constexpr int kInFlight = 16;

HsmKind Kind(const std::string& name) {
  const auto kinds = AllKinds();
  return *std::ranges::find(kinds, name, &HsmKind::name);
}

class ParallelTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(process_.Ready().ok()) << process_.Log();
    for (int n = 0; n < 2; ++n) {
      const hsm::v1::Result made = process_.CallOne(GenerateOp(Ref(Id(n)), v1::ALGORITHM_ES256));
      ASSERT_EQ(made.code(), 0) << made.message();
      keys_.push_back(made.public_key());
    }
  }

  // Signatures of both keys in turn, each of a message of its own.
  hsm::v1::Operation Sign(int n) const { return SignOp(Ref(Id(n % 2)), Input(n)); }
  std::string Input(int n) const {
    const hsm::v1::PublicKey& key = keys_[static_cast<size_t>(n % 2)];
    return SigningInputFor(key) + std::string(4 * static_cast<size_t>(n), 'A');
  }
  void ExpectSigned(int n, const hsm::v1::Result& result) const {
    EXPECT_EQ(result.code(), 0) << result.message();
    EXPECT_TRUE(
        Verifies(keys_[static_cast<size_t>(n % 2)], Input(n), result.signature().signature()))
        << n;
  }

  TempPartition partition_{Kind(GetParam())};
  HsmProcess process_{partition_.directory()};
  std::vector<hsm::v1::PublicKey> keys_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, ParallelTest, ::testing::Values("generic", "cloud", "slow"),
                         [](const auto& kind) { return kind.param; });

// An answer in another order would give a caller another's JWT.
TEST_P(ParallelTest, AnswersAreInOrderAndEachKeyIsCounted) {
  std::vector<hsm::v1::Operation> operations;
  operations.reserve(kInFlight);
  for (int n = 0; n < kInFlight; ++n) operations.push_back(Sign(n));
  for (int round = 0; round < 3; ++round) {
    const auto answer = process_.Call(operations);
    ASSERT_TRUE(answer.ok()) << process_.Log();
    ASSERT_EQ(answer->results_size(), kInFlight);
    for (int n = 0; n < kInFlight; ++n) {
      ExpectSigned(n, answer->results(n));
      // Generating signed once.
      const int counter = 2 + round * kInFlight / 2 + n / 2;
      EXPECT_EQ(answer->results(n).signature().object_counter(), static_cast<uint64_t>(counter));
    }
  }
}

// One bad operation takes no other along, and what does not sign stays in its place.
TEST_P(ParallelTest, OthersOfThePacketStayTheirOwn) {
  const auto answer = process_.Call({Sign(0), SignOp(Ref(Id(9)), Input(0)), HealthOp(), Sign(1),
                                     ForgetOp(Id(0)), Sign(2), Sign(3)});
  ASSERT_TRUE(answer.ok()) << process_.Log();
  ExpectSigned(0, answer->results(0));
  EXPECT_EQ(answer->results(1).reason(), "OBJECT_NOT_FOUND");
  EXPECT_EQ(answer->results(2).code(), 0);
  ExpectSigned(1, answer->results(3));
  EXPECT_EQ(answer->results(4).code(), 0);
  ExpectSigned(2, answer->results(5));
  ExpectSigned(3, answer->results(6));
}

// The purpose: a packet of 16 takes about as long as one signature, where the network is
// what takes the time. Of the two ways the better round counts, so that a busy machine
// slows none down alone; what one session makes of it is a factor of 1.
TEST(NetworkTest, APacketTakesAsLongAsItsSlowest) {
  const TempPartition partition(Kind("slow"));
  HsmProcess process(partition.directory());
  ASSERT_TRUE(process.Ready().ok()) << process.Log();
  const auto made = process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256));
  const auto sign = SignOp(Ref(Id(1)), SigningInputFor(made.public_key()));
  ASSERT_EQ(process.CallOne(sign).code(), 0);
  Clock::duration together = Clock::duration::max();
  Clock::duration apart = Clock::duration::max();
  for (int round = 0; round < 10; ++round) {
    const auto start = Clock::now();
    ASSERT_TRUE(process.Call(std::vector<hsm::v1::Operation>(kInFlight, sign)).ok());
    const auto middle = Clock::now();
    for (int n = 0; n < kInFlight; ++n) ASSERT_EQ(process.CallOne(sign).code(), 0);
    together = std::min(together, middle - start);
    apart = std::min(apart, Clock::now() - middle);
  }
  EXPECT_GT(apart, 4 * together) << "in a packet " << together.count() << " ns, one by one "
                                 << apart.count() << " ns";
}

}  // namespace
}  // namespace sealward::hsm_test
