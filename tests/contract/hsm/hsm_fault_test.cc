// sealward-hsm on a module that misbehaves (tests/fakes/fault_module).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "hsm/exit_codes.h"
#include "tests/contract/hsm/hsm_process.h"
#include "tests/contract/hsm/mark_operations.h"

namespace sealward::hsm_test {
namespace {

using ::testing::HasSubstr;

constexpr int kOk = static_cast<int>(absl::StatusCode::kOk);
constexpr uint64_t kCkrDeviceRemoved = 0x32;

class FaultTest : public ::testing::Test {
 protected:
  FaultTest() : partition_(SEALWARD_FAULT_MODULE) {}

  void ExpectSigns(HsmProcess& process, int n, const hsm::v1::PublicKey& key) {
    const std::string input = SigningInputFor(key);
    const hsm::v1::Result result = process.CallOne(SignOp(Ref(Id(n)), input));
    ASSERT_EQ(result.code(), kOk) << result.message();
    EXPECT_TRUE(Verifies(key, input, result.signature().signature()));
  }

  TempPartition partition_;
};

// An HSM whose session memory is full still has its keys.
TEST_F(FaultTest, SignsWithTheTokenObjectWhereNoCopyCanBeMade) {
  partition_.Write("faults", "C_CopyObject * return CKR_DEVICE_MEMORY");
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok());
  const hsm::v1::Result made = process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256));
  ASSERT_EQ(made.code(), kOk) << made.message();
  ExpectSigns(process, 1, made.public_key());
}

// A key that can leave the HSM is not one of ours, and must not stay behind.
TEST_F(FaultTest, AKeyThatCouldLeaveTheHsmIsRefused) {
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok());
  const hsm::v1::Result good = process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256));
  ASSERT_EQ(good.code(), kOk) << good.message();

  partition_.Write("faults", "C_GetAttributeValue * extractable");
  const hsm::v1::Result refused = process.CallOne(GenerateOp(Ref(Id(2)), v1::ALGORITHM_ES256));
  EXPECT_EQ(refused.code(), static_cast<int>(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(refused.message(), HasSubstr("CKA_EXTRACTABLE"));
  const hsm::v1::Result list = process.CallOne(ListOp("", 10));
  EXPECT_EQ(list.object_list().objects_size(), 1) << "the refused pair must be destroyed again";
  EXPECT_EQ(list.object_list().unattributable(), 0U);

  // A key that was there before is not destroyed, but it does not sign either.
  EXPECT_EQ(process.CallOne(ForgetOp(Id(1))).code(), kOk);
  EXPECT_EQ(process.CallOne(SignOp(Ref(Id(1)), SigningInputFor(good.public_key()))).code(),
            static_cast<int>(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(process.CallOne(GetOp(Ref(Id(1)))).code(), kOk);
  EXPECT_FALSE(HsmProcess(partition_.directory()).Ready().ok());  // the canary, read afresh
}

// A wrong signature of a new key means that the key or the module is broken.
TEST_F(FaultTest, AKeyThatFailsItsSelfTestIsDestroyed) {
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok());
  partition_.Write("faults", "C_Sign * flip");
  const hsm::v1::Result refused = process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256));
  EXPECT_EQ(refused.code(), static_cast<int>(absl::StatusCode::kInternal));
  EXPECT_THAT(refused.message(), HasSubstr("does not verify"));
  EXPECT_EQ(process.CallOne(HealthOp()).code(), static_cast<int>(absl::StatusCode::kInternal));
  const hsm::v1::Result list = process.CallOne(ListOp("", 10));
  EXPECT_EQ(list.object_list().objects_size(), 0);
  EXPECT_EQ(list.object_list().unattributable(), 0U);
}

// nor must one that a later process would not find, because the module cut its label off.
TEST_F(FaultTest, AKeyWhoseLabelIsNotKeptIsRefused) {
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok());
  partition_.Write("faults", "C_GetAttributeValue * truncate 1");
  const hsm::v1::Result refused = process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256));
  EXPECT_EQ(refused.reason(), "KEY_ATTRIBUTES");
  EXPECT_THAT(refused.message(), HasSubstr("CKA_LABEL"));
  partition_.Write("faults", "");
  const hsm::v1::Result list = process.CallOne(ListOp("", 10));
  EXPECT_EQ(list.object_list().objects_size(), 0);
  EXPECT_EQ(list.object_list().unattributable(), 0U);
}

// A pair of which one half cannot be read just now is no remnant of a kill: generating it again
// must not destroy it.
TEST_F(FaultTest, APairThatCannotBeReadIsNotMadeAgain) {
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok());
  const hsm::v1::Result made = process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256));
  ASSERT_EQ(made.code(), kOk) << made.message();
  for (const size_t half : {1U, 2U}) {
    const size_t call = partition_.Calls("C_GetAttributeValue") + half;
    partition_.Write("faults",
                     absl::StrCat("C_GetAttributeValue ", call, " return CKR_DEVICE_MEMORY"));
    EXPECT_NE(process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)).code(), kOk);
    const hsm::v1::Result again = process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256));
    ASSERT_EQ(again.code(), kOk) << again.message();
    EXPECT_TRUE(again.public_key().existed());
    EXPECT_EQ(again.public_key().spki(), made.public_key().spki());
  }
  ExpectSigns(process, 1, made.public_key());
}

// A PIN that is refused latches, wherever it is said.
TEST_F(FaultTest, APinThatIsRefusedForAnAttributeLatches) {
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok());
  ASSERT_EQ(process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)).code(), kOk);
  partition_.Write("faults", "C_GetAttributeValue once return CKR_PIN_EXPIRED");
  ASSERT_NE(process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)).code(), kOk);
  EXPECT_EQ(process.Wait().exit_code, hsm::kExitPinLatched);
}

// Marks outlive a server that would like them not to: a listing that did not get as far as
// them makes no pair known without its own.
TEST_F(FaultTest, AListingWithoutMarksMakesNoPairKnown) {
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok());
  const hsm::v1::Result made = process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256));
  ASSERT_EQ(made.code(), kOk) << made.message();
  ASSERT_EQ(process.CallOne(RevokeOp(Ref(Id(1)))).code(), kOk);
  ASSERT_EQ(process.CallOne(ForgetOp(Id(1))).code(), kOk);
  // The first search is for the objects, the second for the marks.
  partition_.Write("faults",
                   absl::StrCat("C_FindObjectsInit ", partition_.Calls("C_FindObjectsInit") + 2,
                                " return CKR_FUNCTION_FAILED"));
  EXPECT_NE(process.CallOne(ListOp("", 10)).code(), kOk);
  const hsm::v1::Result refused =
      process.CallOne(SignOp(Ref(Id(1)), SigningInputFor(made.public_key())));
  EXPECT_EQ(refused.reason(), "OBJECT_REVOKED") << refused.message();
}

// Over a lost token the handles of a new pair may be another key's: nothing is destroyed by
// them. The pair, which nobody was told of, is proved when it is asked for again.
TEST_F(FaultTest, ATokenThatIsLostInASelfTestDestroysNothing) {
  const size_t destroyed = partition_.Calls("C_DestroyObject");
  {
    HsmProcess process(partition_.directory());
    ASSERT_TRUE(process.Ready().ok());
    partition_.Write("faults", "C_SignInit * return CKR_DEVICE_ERROR");
    EXPECT_EQ(process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)).code(),
              static_cast<int>(absl::StatusCode::kUnavailable));
    EXPECT_EQ(process.Wait().exit_code, 75);
  }
  EXPECT_EQ(partition_.Calls("C_DestroyObject"), destroyed);
  partition_.Write("faults", "");
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok());
  const hsm::v1::Result made = process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256));
  ASSERT_EQ(made.code(), kOk) << made.message();
  EXPECT_TRUE(made.public_key().existed());
  ExpectSigns(process, 1, made.public_key());
}

// A module that offers a mechanism and refuses our template refuses the key and nothing else:
// without a reason, by which the server tells it from an outage and from a tombstone.
TEST_F(FaultTest, AKeyThatTheModuleRefusesIsAFailedPrecondition) {
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok());
  partition_.Write("faults", "C_GenerateKeyPair once return CKR_TEMPLATE_INCONSISTENT");
  const hsm::v1::Result refused = process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256));
  EXPECT_EQ(refused.code(), static_cast<int>(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(refused.reason(), "");
  EXPECT_EQ(refused.ck_rv(), 0xd1U);
  const hsm::v1::Result made = process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256));
  ASSERT_EQ(made.code(), kOk) << made.message();
  ExpectSigns(process, 1, made.public_key());
}

// After an HSM reconnects, handles are gone but objects are not.
TEST_F(FaultTest, AStaleHandleIsLookedForAgain) {
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok());
  const hsm::v1::Result made = process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256));
  ASSERT_EQ(made.code(), kOk);
  partition_.Write("faults", "C_SignInit once return CKR_KEY_HANDLE_INVALID");
  ExpectSigns(process, 1, made.public_key());
}

// A lost HSM needs a new process; the operation that met it is answered first.
TEST_F(FaultTest, ALostTokenIsReportedAndEndsTheProcess) {
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok());
  partition_.Write("faults", "C_SignInit * return CKR_DEVICE_REMOVED");
  const hsm::v1::Result result = process.CallOne(HealthOp());
  EXPECT_EQ(result.code(), static_cast<int>(absl::StatusCode::kUnavailable));
  EXPECT_EQ(result.ck_rv(), kCkrDeviceRemoved);
  EXPECT_EQ(process.Wait().exit_code, 75);
}

// Half a pair, left by a kill, is nobody's: it is listed as such, signs nothing,
// and the repeated generate replaces it.
TEST_F(FaultTest, HalfAPairIsListedAndMadeAgain) {
  {
    HsmProcess process(partition_.directory());
    ASSERT_TRUE(process.Ready().ok());
    partition_.Write("faults", "C_GenerateKeyPair * half");
    EXPECT_EQ(process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)).code(), -1);
    EXPECT_NE(process.Wait().signal, 0);
  }
  partition_.Write("faults", "");
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok());
  EXPECT_EQ(process.CallOne(GetOp(Ref(Id(1)))).code(),
            static_cast<int>(absl::StatusCode::kNotFound));
  const hsm::v1::Result list = process.CallOne(ListOp("", 10));
  EXPECT_EQ(list.object_list().objects_size(), 0);
  EXPECT_EQ(list.object_list().unattributable(), 1U);
  // Another key must not clear it away.
  EXPECT_EQ(process.CallOne(GenerateOp(Ref(Id(1), "tenants/b/keys/c"), v1::ALGORITHM_ES256)).code(),
            static_cast<int>(absl::StatusCode::kAlreadyExists));
  const hsm::v1::Result made = process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256));
  ASSERT_EQ(made.code(), kOk) << made.message();
  EXPECT_FALSE(made.public_key().existed());
  ExpectSigns(process, 1, made.public_key());
  EXPECT_EQ(process.CallOne(ListOp("", 10)).object_list().unattributable(), 0U);
}

}  // namespace
}  // namespace sealward::hsm_test
