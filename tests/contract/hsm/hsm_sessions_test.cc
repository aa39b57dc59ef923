// sealward-hsm on a module that has fewer sessions than it wants, or loses some. If these
// go, an HSM with a low limit may not start, or stop signing while its canary is well.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/contract/hsm/hsm_process.h"

namespace sealward::hsm_test {
namespace {

using ::testing::HasSubstr;

// Operations of one packet.
constexpr int kInFlight = 16;

HsmKind FaultyKind() {
  auto kinds = AllKinds();
  HsmKind kind = *std::ranges::find(kinds, std::string("generic"), &HsmKind::name);
  kind.module = SEALWARD_FAULT_MODULE;
  return kind;
}

class SessionsTest : public ::testing::Test {
 protected:
  void Start(absl::string_view script) {
    Script(script);
    process_ = std::make_unique<HsmProcess>(partition_.directory());
    ASSERT_TRUE(process_->Ready().ok()) << process_->Log();
    key_ = process_->CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)).public_key();
    sign_ = SignOp(Ref(Id(1)), SigningInputFor(key_));
  }
  void Script(absl::string_view text) { partition_.Write("faults", text); }
  hsm::v1::ResponsePacket SignMany() {
    auto answer = process_->Call(std::vector<hsm::v1::Operation>(kInFlight, sign_));
    return answer.ok() ? *answer : hsm::v1::ResponsePacket();
  }
  void ExpectAllSign() {
    const hsm::v1::ResponsePacket answer = SignMany();
    ASSERT_EQ(answer.results_size(), kInFlight);
    for (const hsm::v1::Result& result : answer.results()) {
      EXPECT_EQ(result.code(), 0) << result.message();
      EXPECT_TRUE(Verifies(key_, sign_.sign_jws().signing_input(), result.signature().signature()));
    }
  }
  void ExpectNoneSigns() {
    const hsm::v1::ResponsePacket answer = SignMany();
    ASSERT_EQ(answer.results_size(), kInFlight);
    for (const hsm::v1::Result& result : answer.results()) EXPECT_NE(result.code(), 0);
  }

  TempPartition partition_{FaultyKind()};
  std::unique_ptr<HsmProcess> process_;
  hsm::v1::PublicKey key_;
  hsm::v1::Operation sign_;
};

TEST_F(SessionsTest, SignsWithThoseThatAHsmWithALimitHas) {
  Start("C_OpenSession * limit 5");
  ExpectAllSign();
  EXPECT_EQ(process_->CallOne(DescribeOp()).description().signing_sessions(), 4);
  EXPECT_THAT(process_->Log(), HasSubstr("signs with 4 of 16"));
}

// One session for what is looked up and none to sign with is too few.
TEST_F(SessionsTest, DoesNotStartWithoutOneThatSigns) {
  Script("C_OpenSession * limit 1");
  HsmProcess process(partition_.directory());
  EXPECT_FALSE(process.Ready().ok());
  const Ended ended = process.Wait();
  EXPECT_EQ(ended.exit_code, 75);  // another process may end and leave some
  EXPECT_THAT(ended.log, HasSubstr("CKR_SESSION_COUNT"));
}

TEST_F(SessionsTest, SignsWithOneWhereTheModuleCannotLock) {
  Start("C_Initialize once return CKR_CANT_LOCK");
  ExpectAllSign();
  EXPECT_EQ(partition_.Calls("C_OpenSession"), 2U);
  EXPECT_THAT(process_->Log(), HasSubstr("CKR_CANT_LOCK"));
}

// At the limit, the session in doubt is the one whose place the new one takes.
TEST_F(SessionsTest, ASessionInDoubtIsOpenedAgainAtTheLimit) {
  Start("C_OpenSession * limit 5");
  Script("C_OpenSession * limit 5\nC_Sign * return CKR_DATA_LEN_RANGE");
  ExpectNoneSigns();
  Script("C_OpenSession * limit 5");
  ExpectAllSign();
  EXPECT_EQ(process_->CallOne(HealthOp()).code(), 0);
}

// Another process took the place: the others of the team sign, and the one that is left
// out is back as soon as there is room.
TEST_F(SessionsTest, ASessionThatCannotBeOpenedAgainHoldsNobodyUp) {
  Start("C_OpenSession * limit 5");
  Script("C_OpenSession * limit 5\nC_Sign * return CKR_DATA_LEN_RANGE");
  ExpectNoneSigns();
  Script("C_OpenSession * limit 4");
  for (int packets = 0; packets < 3; ++packets) ExpectAllSign();
  Script("C_OpenSession * limit 5");
  ExpectAllSign();
  // Each change is said once, not with each packet.
  const std::vector<std::string> left_out = absl::StrSplit(process_->Log(), "3 of 4 sessions");
  EXPECT_EQ(left_out.size(), 2U) << process_->Log();
  EXPECT_THAT(process_->Log(), HasSubstr("signing with all 4 sessions again"));
  EXPECT_EQ(process_->CallOne(HealthOp()).code(), 0);
}

// The session still has the signature that failed: what else it began would be refused, and be
// made again one after the other.
TEST_F(SessionsTest, ASessionThatFailedTakesNoOtherJobOfItsPacket) {
  Start("");
  const size_t begun = partition_.Calls("C_SignInit");
  const size_t signs = partition_.Calls("C_Sign");
  Script(absl::StrCat("C_Sign ", signs + 1, " return CKR_FUNCTION_FAILED"));
  ExpectAllSign();
  EXPECT_EQ(partition_.Calls("C_SignInit"), begun + kInFlight + 1);
  ExpectAllSign();
}

// Every session fails with its first job: the others are made all the same.
TEST_F(SessionsTest, WhatNoSessionTookIsMadeOneByOne) {
  Start("C_OpenSession * limit 5");
  const size_t signs = partition_.Calls("C_Sign");
  std::string script = "C_OpenSession * limit 5";
  for (size_t n = 1; n <= 4; ++n) {
    absl::StrAppend(&script, "\nC_Sign ", signs + n, " return CKR_FUNCTION_FAILED");
  }
  Script(script);
  ExpectAllSign();
  ExpectAllSign();
}

// A job that could be tried again, beside one that met a lost token: a session that is
// opened then may be one of another token, whose handles are other keys.
TEST_F(SessionsTest, NothingIsTriedAgainOnceTheTokenIsLost) {
  Start("");
  const size_t before = partition_.Calls("C_OpenSession");
  const size_t signs = partition_.Calls("C_SignInit");
  Script(absl::StrCat("C_SignInit ", signs + 1, " return CKR_DEVICE_REMOVED\nC_SignInit ",
                      signs + 2, " return CKR_KEY_HANDLE_INVALID"));
  const hsm::v1::ResponsePacket answer = SignMany();
  ASSERT_EQ(answer.results_size(), kInFlight);
  const auto failed = std::ranges::count_if(
      answer.results(), [](const hsm::v1::Result& result) { return result.code() != 0; });
  EXPECT_GE(failed, 2);  // and what no session had begun by then
  EXPECT_EQ(partition_.Calls("C_OpenSession"), before);
  EXPECT_EQ(process_->Wait().exit_code, 75);
}

}  // namespace
}  // namespace sealward::hsm_test
