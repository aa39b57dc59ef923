// Several sessions that sign at once, inside the test: part of `./dev tsan`.
#include "hsm/parallel_signer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/contract/hsm/local_partition.h"
#include "tests/fakes/manual_clock.h"

namespace sealward::hsm_test {
namespace {

constexpr int kInFlight = 16;

class ParallelSignerTest : public ::testing::Test {
 protected:
  ParallelSignerTest() { MakePair(); }
  void MakePair() {
    key_ = partition_.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)).public_key();
    input_ = SigningInputFor(key_);
  }
  // As another process would: this one's handles go stale.
  void DestroyPair() {
    pkcs11::Template match;
    match.Bytes(CKA_ID, Id(1));
    const auto halves = partition_.session().Find(match);
    ASSERT_TRUE(halves.ok());
    ASSERT_EQ(halves->size(), 2U);
    for (const CK_OBJECT_HANDLE half : *halves) {
      ASSERT_TRUE(partition_.session().Destroy(half).ok());
    }
  }
  static void ExpectNoneFound(const hsm::v1::ResponsePacket& answer) {
    EXPECT_EQ(answer.results_size(), kInFlight);
    for (const hsm::v1::Result& result : answer.results()) {
      EXPECT_EQ(result.reason(), "OBJECT_NOT_FOUND") << result.message();
    }
  }
  // Every signature of a packet; how often the pair had signed before the first.
  void ExpectAllSign(uint64_t before) {
    const std::vector<hsm::v1::Operation> operations(kInFlight, SignOp(Ref(Id(1)), input_));
    partition_.Take(operations);
    ExpectSigned(partition_.Finish(), before);
  }
  void ExpectSigned(const hsm::v1::ResponsePacket& answer, uint64_t before) {
    ASSERT_EQ(answer.results_size(), kInFlight);
    for (const hsm::v1::Result& result : answer.results()) {
      ASSERT_EQ(result.code(), 0) << result.message();
      EXPECT_TRUE(Verifies(key_, input_, result.signature().signature()));
      EXPECT_EQ(result.signature().object_counter(), ++before);
    }
  }

  fakes::ManualClock clock_;
  LocalPartition partition_{clock_, "generic"};
  hsm::v1::PublicKey key_;
  std::string input_;
};

TEST_F(ParallelSignerTest, AllSessionsSignWithOnePair) {
  for (uint64_t round = 0; round < 20; ++round) ExpectAllSign(1 + round * kInFlight);
}

// The threads go from packet to packet; counting, in the packets' order, is one thread's.
TEST_F(ParallelSignerTest, PacketAfterPacketIsUnderWay) {
  const std::vector<hsm::v1::Operation> operations(kInFlight, SignOp(Ref(Id(1)), input_));
  constexpr uint64_t kRounds = 20;
  partition_.Take(operations);
  for (uint64_t round = 0; round < kRounds; ++round) {
    if (round + 1 < kRounds) partition_.Take(operations);
    ExpectSigned(partition_.Finish(), 1 + round * kInFlight);
  }
}

// While a pair is looked for again, with the first session, no thread may use that; and the
// KeyObject that ends then is not the one that the packet behind it names.
TEST_F(ParallelSignerTest, AFailureWithAPacketUnderWay) {
  // Slow enough that the second packet is under way when the first is finished.
  const auto other =
      partition_.CallOne(GenerateOp(Ref(Id(2)), v1::ALGORITHM_RS256_2048)).public_key();
  const std::string other_input = SigningInputFor(other);
  const auto expect_signed = [&](const hsm::v1::Result& result) {
    EXPECT_EQ(result.code(), 0) << result.message();
    EXPECT_TRUE(Verifies(other, other_input, result.signature().signature()));
  };
  for (int round = 0; round < 10; ++round) {
    DestroyPair();
    std::vector<hsm::v1::Operation> operations(kInFlight, SignOp(Ref(Id(2)), other_input));
    operations[0] = SignOp(Ref(Id(1)), input_);
    partition_.Take(operations);
    operations[0] = operations[1];
    partition_.Take(operations);
    const hsm::v1::ResponsePacket first = partition_.Finish();
    EXPECT_EQ(first.results(0).reason(), "OBJECT_NOT_FOUND") << first.results(0).message();
    std::for_each(first.results().begin() + 1, first.results().end(), expect_signed);
    const hsm::v1::ResponsePacket second = partition_.Finish();
    std::ranges::for_each(second.results(), expect_signed);
    MakePair();
  }
}

// A lost connection ends the messages that the threads read, and then the sessions.
TEST_F(ParallelSignerTest, PacketsUnderWayEndWithTheDispatcher) {
  const std::vector<hsm::v1::Operation> operations(kInFlight, SignOp(Ref(Id(1)), input_));
  for (int round = 0; round < 5; ++round) {
    partition_.Take(operations);
    partition_.Take(operations);
    partition_.Restart();
  }
  ExpectAllSign(0);
}

// The pair's handles go stale under every session at once; looking for it again ends the
// KeyObject that all jobs of the packet name.
TEST_F(ParallelSignerTest, APairThatWasDestroyedFailsEachJobAndHarmsNoSession) {
  DestroyPair();
  ExpectNoneFound(
      partition_.Call(std::vector<hsm::v1::Operation>(kInFlight, SignOp(Ref(Id(1)), input_))));
  MakePair();
  const uint64_t before =
      partition_.CallOne(SignOp(Ref(Id(1)), input_)).signature().object_counter();
  ExpectAllSign(before);
}

}  // namespace
}  // namespace sealward::hsm_test
