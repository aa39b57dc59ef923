// sealward-hsm on an HSM that goes away, for a moment or for good, in each way that
// PKCS#11 has for it. If these go, a process could sign with a stale handle, log in
// again and again, or stay alive without an HSM.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/contract/hsm/hsm_process.h"

namespace sealward::hsm_test {
namespace {

using ::testing::HasSubstr;

constexpr int kOk = static_cast<int>(absl::StatusCode::kOk);
constexpr int kUnavailable = static_cast<int>(absl::StatusCode::kUnavailable);
constexpr int kExitHsmLost = 75;
constexpr int kExitPinLatched = 77;

class LostTest : public ::testing::Test {
 protected:
  LostTest() : partition_(SEALWARD_FAULT_MODULE) { Start(); }

  void Start() {
    process_.reset();
    process_ = std::make_unique<HsmProcess>(partition_.directory());
    ASSERT_TRUE(process_->Ready().ok());
  }
  hsm::v1::PublicKey Make(int n) {
    const hsm::v1::Result made = process_->CallOne(GenerateOp(Ref(Id(n)), v1::ALGORITHM_ES256));
    EXPECT_EQ(made.code(), kOk) << made.message();
    return made.public_key();
  }
  hsm::v1::Result Sign(int n, const hsm::v1::PublicKey& key) {
    return process_->CallOne(SignOp(Ref(Id(n)), SigningInputFor(key)));
  }
  void ExpectSigns(int n, const hsm::v1::PublicKey& key) {
    const std::string input = SigningInputFor(key);
    const hsm::v1::Result result = process_->CallOne(SignOp(Ref(Id(n)), input));
    ASSERT_EQ(result.code(), kOk) << result.message();
    EXPECT_TRUE(Verifies(key, input, result.signature().signature()));
  }
  void Script(absl::string_view text) { partition_.Write("faults", text); }
  size_t Logins() const { return partition_.Calls("C_Login"); }

  TempPartition partition_;
  std::unique_ptr<HsmProcess> process_;
};

// Every error that means "gone", from every function that the sign path calls: the
// operation is answered, the process ends without a login of its own, and a new
// one finds the key.
TEST_F(LostTest, WhatIsGoneEndsTheProcessAndANewOneSigns) {
  const hsm::v1::PublicKey key = Make(1);
  for (const char* rv : {"CKR_DEVICE_REMOVED", "CKR_DEVICE_ERROR", "CKR_SESSION_HANDLE_INVALID",
                         "CKR_SESSION_CLOSED", "CKR_USER_NOT_LOGGED_IN", "CKR_TOKEN_NOT_PRESENT"}) {
    for (const char* function : {"C_SignInit", "C_Sign"}) {
      SCOPED_TRACE(absl::StrCat(function, " ", rv));
      const size_t logins = Logins();
      Script(absl::StrCat(function, " once return ", rv));
      const hsm::v1::Result result = Sign(1, key);
      EXPECT_EQ(result.code(), kUnavailable) << result.message();
      EXPECT_NE(result.ck_rv(), 0U);
      const Ended ended = process_->Wait();
      EXPECT_EQ(ended.exit_code, kExitHsmLost);
      EXPECT_THAT(ended.log, HasSubstr(rv));
      EXPECT_EQ(Logins(), logins);
      process_ = nullptr;
      Script("");
      Start();
      EXPECT_EQ(Logins(), logins + 1);
      ExpectSigns(1, key);
    }
  }
}

// The other verbs meet it as well.
TEST_F(LostTest, ItIsNoticedOutsideOfSigningToo) {
  Script("C_FindObjectsInit * return CKR_SESSION_HANDLE_INVALID");
  EXPECT_EQ(process_->CallOne(ListOp("", 10)).code(), kUnavailable);
  EXPECT_EQ(process_->Wait().exit_code, kExitHsmLost);
}

// The rest of a packet is refused without a call: an HSM that takes its time-out to
// say that it is gone must not be asked sixteen times.
TEST_F(LostTest, NothingIsAskedOfAnHsmThatIsGone) {
  const hsm::v1::PublicKey key = Make(1);
  const auto op = SignOp(Ref(Id(1)), SigningInputFor(key));
  Script("C_SignInit * return CKR_DEVICE_REMOVED");
  const size_t calls = partition_.Calls("C_SignInit");
  const auto answer = process_->Call({op, op, op, op});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(partition_.Calls("C_SignInit"), calls + 1);
  EXPECT_NE(answer->results(0).ck_rv(), 0U);
  for (int i = 1; i < 4; ++i) {
    EXPECT_EQ(answer->results(i).code(), kUnavailable);
    EXPECT_EQ(answer->results(i).ck_rv(), 0U);
  }
  EXPECT_EQ(process_->Wait().exit_code, kExitHsmLost);
}

// Memory that is short for a moment is the operation's failure only.
TEST_F(LostTest, ShortMemoryFailsTheOperationOnly) {
  const hsm::v1::PublicKey key = Make(1);
  Script("C_Sign once return CKR_HOST_MEMORY");
  const hsm::v1::Result failed = Sign(1, key);
  EXPECT_EQ(failed.code(), static_cast<int>(absl::StatusCode::kResourceExhausted));
  ExpectSigns(1, key);
}

// A library that leaks until nothing is left answers so for ever: the canary, too,
// fails then, and only a new process helps.
TEST_F(LostTest, MemoryThatStaysShortEndsTheProcess) {
  const hsm::v1::PublicKey key = Make(1);
  Script("C_Sign * return CKR_HOST_MEMORY");
  const auto op = SignOp(Ref(Id(1)), SigningInputFor(key));
  ASSERT_TRUE(process_->Call(std::vector<hsm::v1::Operation>(8, op)).ok());
  EXPECT_EQ(process_->Wait().exit_code, kExitHsmLost);
}

// One key whose object is broken must not take the partition down.
TEST_F(LostTest, OneBrokenKeyDoesNotEndTheProcess) {
  const hsm::v1::PublicKey key = Make(1);
  Make(2);
  // Two attempts each, and then the canary and everybody else sign.
  const size_t next = partition_.Calls("C_Sign") + 1;
  std::string script;
  for (size_t i = 0; i < 16; ++i) {
    absl::StrAppend(&script, "C_Sign ", next + i, " return CKR_GENERAL_ERROR\n");
  }
  Script(script);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(Sign(1, key).code(), 13);
  ExpectSigns(1, key);
  EXPECT_EQ(partition_.Calls("C_Sign"), next + 16 + 1) << "the canary was asked once";
}

// A result that is cut short is no signature.
TEST_F(LostTest, ATruncatedSignatureIsNeverAnswered) {
  const hsm::v1::PublicKey key = Make(1);
  Script("C_Sign * truncate 8");
  const hsm::v1::Result result = Sign(1, key);
  EXPECT_NE(result.code(), kOk);
  EXPECT_FALSE(result.has_signature());
  Script("C_Sign once truncate 8");
  ExpectSigns(1, key);  // tried again
}

// Nor is a public key that is cut short one that anything could be compared with.
TEST_F(LostTest, ATruncatedPublicKeyIsNotTaken) {
  const hsm::v1::PublicKey key = Make(1);
  EXPECT_EQ(process_->CallOne(ForgetOp(Id(1))).code(), kOk);
  Script("C_GetAttributeValue * truncate 3");
  EXPECT_NE(process_->CallOne(GetOp(Ref(Id(1)))).code(), kOk);
  EXPECT_NE(Sign(1, key).code(), kOk);
  Script("");
  EXPECT_EQ(process_->CallOne(ForgetOp(Id(1))).code(), kOk);
  EXPECT_EQ(process_->CallOne(GetOp(Ref(Id(1)))).public_key().spki(), key.spki());
}

// A login that fails for another reason than the PIN may be made again.
TEST_F(LostTest, AnHsmThatIsAwayAtTheStartDoesNotLatch) {
  process_ = nullptr;
  for (const char* fault :
       {"C_Login once return CKR_DEVICE_REMOVED", "C_OpenSession once return CKR_DEVICE_ERROR",
        "C_Sign * return CKR_USER_NOT_LOGGED_IN", "C_Initialize once return CKR_GENERAL_ERROR"}) {
    SCOPED_TRACE(fault);
    Script(fault);
    HsmProcess process(partition_.directory());
    EXPECT_FALSE(process.Ready().ok());
    EXPECT_EQ(process.Wait().exit_code, kExitHsmLost);
    EXPECT_FALSE(partition_.Has("pin-latch"));
  }
  Script("");
  Start();
}

// Whatever function objects to the PIN: it is not presented again.
TEST_F(LostTest, APinThatExpiresWhileSigningLatches) {
  const hsm::v1::PublicKey key = Make(1);
  const size_t logins = Logins();
  Script("C_SignInit once return CKR_PIN_EXPIRED");
  EXPECT_NE(Sign(1, key).code(), kOk);
  EXPECT_EQ(process_->Wait().exit_code, kExitPinLatched);
  process_ = nullptr;
  for (int start = 0; start < 3; ++start) {
    HsmProcess process(partition_.directory());
    EXPECT_EQ(process.Wait().exit_code, kExitPinLatched);
  }
  EXPECT_EQ(Logins(), logins);
  EXPECT_EQ(RunHsm({"clear-pin-latch", "--dir", partition_.directory()}).exit_code, 0);
  Start();
  ExpectSigns(1, key);
}

// The server may be gone by then: that its answer reaches nobody ends the process, too.
TEST_F(LostTest, APinThatExpiresLatchesThoughNobodyIsThere) {
  const hsm::v1::PublicKey key = Make(1);
  Script("C_SignInit once return CKR_PIN_EXPIRED");
  ASSERT_TRUE(process_->Post({SignOp(Ref(Id(1)), SigningInputFor(key))}).ok());
  process_->CloseSocket();
  EXPECT_EQ(process_->Wait().exit_code, kExitPinLatched);
  EXPECT_TRUE(partition_.Has("pin-latch"));
}

TEST_F(LostTest, APinThatIsRefusedOnceIsPresentedOnce) {
  process_ = nullptr;
  const size_t logins = Logins();
  Script("C_Login once return CKR_PIN_INCORRECT");
  {
    HsmProcess a(partition_.directory());
    HsmProcess b(partition_.directory());
    EXPECT_EQ(a.Wait().exit_code, kExitPinLatched);
    EXPECT_EQ(b.Wait().exit_code, kExitPinLatched);
  }
  EXPECT_EQ(Logins(), logins + 1);
}

}  // namespace
}  // namespace sealward::hsm_test
