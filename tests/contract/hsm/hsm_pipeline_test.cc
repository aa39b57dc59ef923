// Two packets under way in a process with several sessions, on a module that holds a
// signature up (tests/fakes/fault_module).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <initializer_list>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/contract/hsm/hsm_process.h"

namespace sealward::hsm_test {
namespace {

// Operations of a full packet.
constexpr size_t kFull = 16;

HsmKind FaultyKind() {
  auto kinds = AllKinds();
  HsmKind kind = *std::ranges::find(kinds, std::string("generic"), &HsmKind::name);
  kind.module = SEALWARD_FAULT_MODULE;
  return kind;
}

class PipelineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(process_.Ready().ok()) << process_.Log();
    key_ = process_.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)).public_key();
    sign_ = SignOp(Ref(Id(1)), SigningInputFor(key_));
  }

  void Post(size_t signatures) {
    ASSERT_TRUE(process_.Post(std::vector<hsm::v1::Operation>(signatures, sign_)).ok());
  }
  // A packet under way, of one signature that does not end before Release.
  void HoldOne() {
    const size_t next = partition_.Calls("C_Sign") + 1;
    partition_.Write("faults", absl::StrCat("C_Sign ", next, " hang"));
    Post(1);
    AwaitSigns(next);
  }
  // The next calls of C_Sign hang, and fail with these once released.
  void HoldAndFail(std::initializer_list<const char*> rvs) {
    size_t next = partition_.Calls("C_Sign");
    std::string script;
    for (const char* rv : rvs) {
      ++next;
      absl::StrAppend(&script, "C_Sign ", next, " hang\nC_Sign ", next, " return ", rv, "\n");
    }
    partition_.Write("faults", script);
  }
  void Release() { partition_.Write("faults", ""); }
  void AwaitSigns(size_t count) const {
    while (partition_.Calls("C_Sign") < count) std::this_thread::yield();
  }
  // Until the process has taken every packet, and all its threads sleep.
  void AwaitSleep() const {
    const auto is_asleep = [this] {
      int untaken_bytes = 0;
      EXPECT_EQ(ioctl(process_.fd(), SIOCOUTQ, &untaken_bytes), 0);
      return untaken_bytes == 0 &&
             std::ranges::all_of(process_.ThreadStates(), [](char state) { return state == 'S'; });
    };
    while (!is_asleep()) std::this_thread::yield();
  }
  // The next answer: of a packet with as many signatures, all good. Its packet_id.
  uint64_t ExpectSigned(size_t signatures) {
    const auto answer = process_.Receive();
    EXPECT_TRUE(answer.ok()) << answer.status() << process_.Log();
    if (!answer.ok()) return 0;
    EXPECT_EQ(static_cast<size_t>(answer->results_size()), signatures);
    for (const hsm::v1::Result& result : answer->results()) {
      EXPECT_EQ(result.code(), 0) << result.message();
      EXPECT_TRUE(Verifies(key_, sign_.sign_jws().signing_input(), result.signature().signature()));
      counters_.insert(result.signature().object_counter());
    }
    return answer->packet_id();
  }
  // Two packets under way: of one signature, which is held up, and of `second`, made.
  void HoldOneAndSign(size_t second) {
    HoldOne();
    const size_t before = partition_.Calls("C_Sign");
    Post(second);
    AwaitSigns(before + second);
  }

  TempPartition partition_{FaultyKind()};
  HsmProcess process_{partition_.directory()};
  hsm::v1::PublicKey key_;
  hsm::v1::Operation sign_;
  std::set<uint64_t> counters_;
};

// The purpose: on a network the sessions wait for answers all the time, and not for the
// slowest of each packet. It hangs if not. Answers stay in order all the same.
TEST_F(PipelineTest, ASecondPacketIsSignedWhileTheFirstIsUnderWay) {
  HoldOneAndSign(kFull - 1);
  Release();
  const uint64_t first = ExpectSigned(1);
  EXPECT_EQ(ExpectSigned(kFull - 1), first + 1);
  EXPECT_EQ(counters_.size(), kFull);
}

// What does not sign (here: makes a pair) has the partition for itself, and its place.
TEST_F(PipelineTest, WhatDoesNotSignTakesItsTurn) {
  const size_t pairs = partition_.Calls("C_GenerateKeyPair");
  HoldOneAndSign(1);
  ASSERT_TRUE(process_.Post({GenerateOp(Ref(Id(2)), v1::ALGORITHM_ES256)}).ok());
  Post(1);
  EXPECT_EQ(partition_.Calls("C_GenerateKeyPair"), pairs);
  Release();
  const uint64_t first = ExpectSigned(1);
  EXPECT_EQ(ExpectSigned(1), first + 1);
  const auto made = process_.Receive();
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->packet_id(), first + 2);
  EXPECT_EQ(made->results(0).code(), 0) << made->results(0).message();
  EXPECT_EQ(ExpectSigned(1), first + 3);
}

// A server that is being stopped gets what it asked for; if not, good JWTs are lost.
TEST_F(PipelineTest, WhatIsUnderWayIsAnsweredBeforeTheEndOfTheConnection) {
  HoldOne();
  ASSERT_EQ(shutdown(process_.fd(), SHUT_WR), 0);
  Release();
  ExpectSigned(1);
  EXPECT_EQ(process_.Wait().exit_code, 0);
}

TEST_F(PipelineTest, WhatIsUnderWayIsAnsweredBeforeAPacketThatIsNotUnderstoodEndsIt) {
  HoldOne();
  ASSERT_TRUE(process_.SendRaw("\xff\xff").ok());
  Release();
  ExpectSigned(1);
  EXPECT_EQ(process_.Wait().exit_code, 70);
}

// Behind such a packet nothing means what it says. (A packet that nobody reads may cost the
// answers before it: the socket is reset.)
TEST_F(PipelineTest, NothingIsTakenBehindAPacketThatIsNotUnderstood) {
  const size_t before = partition_.Calls("C_Sign");
  HoldOne();
  ASSERT_TRUE(process_.SendRaw("\xff\xff").ok());
  Post(1);
  Release();
  EXPECT_EQ(process_.Wait().exit_code, 70);
  EXPECT_EQ(partition_.Calls("C_Sign"), before + 1);
}

// A process that waits for its HSM leaves the processor to others. It hangs if not.
TEST_F(PipelineTest, ItSleepsWhileTheHsmWorks) {
  HoldOneAndSign(1);
  AwaitSleep();
  Release();
  ExpectSigned(1);
  ExpectSigned(1);
}

// Sessions that fail while another packet is under way: looking for the pair again ends
// its KeyObject, which the other packet's jobs name.
TEST_F(PipelineTest, FailuresInOnePacketHarmNoneOfTheOther) {
  std::string script;
  const size_t before = partition_.Calls("C_Sign");
  constexpr size_t kRounds = 8;
  for (size_t n = 1; n <= kRounds * kFull; n += 11) {
    absl::StrAppend(&script, "C_Sign ", before + n, " return CKR_FUNCTION_FAILED\n");
  }
  partition_.Write("faults", script);
  Post(kFull);
  for (size_t round = 1; round < kRounds; ++round) {
    Post(kFull);
    ExpectSigned(kFull);
  }
  ExpectSigned(kFull);
  EXPECT_EQ(counters_.size(), kRounds * kFull);
}

// The packet behind the one that met a lost token is not answered: the server asks
// another process.
TEST_F(PipelineTest, ALostTokenEndsItWithAPacketUnderWay) {
  const size_t next = partition_.Calls("C_Sign") + 1;
  HoldAndFail({"CKR_DEVICE_REMOVED"});
  Post(1);
  AwaitSigns(next);
  Post(4);
  AwaitSigns(next + 4);
  Release();
  const auto answer = process_.Receive();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_NE(answer->results(0).code(), 0);
  EXPECT_FALSE(process_.Receive().ok());
  EXPECT_EQ(process_.Wait().exit_code, 75);
}

// A session over a lost token may show other objects under the same handles: neither is a
// signature tried again because the packet behind met the loss and not its own,
TEST_F(PipelineTest, NothingIsTriedAgainOverATokenThatThePacketBehindLost) {
  const size_t next = partition_.Calls("C_Sign") + 1;
  const size_t sessions = partition_.Calls("C_OpenSession");
  HoldAndFail({"CKR_FUNCTION_FAILED", "CKR_DEVICE_REMOVED"});
  Post(1);
  AwaitSigns(next);
  Post(1);
  AwaitSigns(next + 1);
  Release();
  const auto answer = process_.Receive();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_NE(answer->results(0).code(), 0);
  EXPECT_EQ(process_.Wait().exit_code, 75);
  EXPECT_EQ(partition_.Calls("C_Sign"), next + 1);
  EXPECT_EQ(partition_.Calls("C_OpenSession"), sessions);
}

// nor is the canary asked whether eight doubtful failures were the keys' or the HSM's,
TEST_F(PipelineTest, TheCanaryIsNotAskedOverATokenThatThePacketBehindLost) {
  const size_t signs = partition_.Calls("C_Sign");
  const size_t sessions = partition_.Calls("C_OpenSession");
  HoldAndFail({"CKR_HOST_MEMORY", "CKR_HOST_MEMORY", "CKR_HOST_MEMORY", "CKR_HOST_MEMORY",
               "CKR_HOST_MEMORY", "CKR_HOST_MEMORY", "CKR_HOST_MEMORY", "CKR_HOST_MEMORY",
               "CKR_DEVICE_REMOVED"});
  Post(8);
  AwaitSigns(signs + 8);
  Post(1);
  AwaitSigns(signs + 9);
  Release();
  EXPECT_EQ(process_.Wait().exit_code, 75);
  EXPECT_EQ(partition_.Calls("C_Sign"), signs + 9);
  EXPECT_EQ(partition_.Calls("C_OpenSession"), sessions);
}

// nor is another packet begun while the one that met it waits for its other signatures.
TEST_F(PipelineTest, NothingBeginsBehindATokenThatIsLost) {
  const size_t next = partition_.Calls("C_Sign") + 1;
  const std::string held = absl::StrCat("C_Sign ", next, " hang\n");
  partition_.Write("faults",
                   absl::StrCat(held, "C_Sign ", next + 1, " return CKR_DEVICE_REMOVED\n"));
  Post(2);
  AwaitSigns(next + 1);
  AwaitSleep();  // with what that call met noted
  Post(4);
  AwaitSleep();
  Release();
  ASSERT_TRUE(process_.Receive().ok());
  EXPECT_EQ(process_.Wait().exit_code, 75);
  EXPECT_EQ(partition_.Calls("C_Sign"), next + 1);
}

// A PIN that the HSM objects to is not presented again, whoever hears of it: the packet
// behind one that ends the process,
TEST_F(PipelineTest, APinThatIsRefusedBehindALostTokenLatches) {
  const size_t next = partition_.Calls("C_Sign") + 1;
  HoldAndFail({"CKR_DEVICE_REMOVED", "CKR_PIN_EXPIRED"});
  Post(1);
  AwaitSigns(next);
  Post(1);
  AwaitSigns(next + 1);
  Release();
  EXPECT_EQ(process_.Wait().exit_code, 77);
  EXPECT_TRUE(partition_.Has("pin-latch"));
}

// or nobody, because the server was killed.
TEST_F(PipelineTest, APinThatIsRefusedLatchesThoughNobodyIsThere) {
  const size_t next = partition_.Calls("C_Sign") + 1;
  HoldAndFail({"CKR_PIN_EXPIRED"});
  Post(1);
  AwaitSigns(next);
  process_.CloseSocket();
  Release();
  EXPECT_EQ(process_.Wait().exit_code, 77);
  EXPECT_TRUE(partition_.Has("pin-latch"));
}

}  // namespace
}  // namespace sealward::hsm_test
