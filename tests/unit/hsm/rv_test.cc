#include "hsm/pkcs11/rv.h"

#include <gtest/gtest.h>

namespace sealward::pkcs11 {
namespace {

// An operator searches for these names; a program acts on these classes.
TEST(RvTest, NamesAndCodes) {
  EXPECT_EQ(RvName(CKR_PIN_INCORRECT), "CKR_PIN_INCORRECT");
  EXPECT_EQ(RvName(0x80000001), "CKR_0x80000001");
  const absl::Status status = RvStatus(CKR_DEVICE_REMOVED, "C_Sign");
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(), "C_Sign: CKR_DEVICE_REMOVED (0x32)");
  EXPECT_EQ(RvOf(status), CKR_DEVICE_REMOVED);
  EXPECT_TRUE(RvStatus(CKR_OK, "C_Sign").ok());
  EXPECT_EQ(RvOf(absl::OkStatus()), CKR_OK);
  EXPECT_EQ(RvOf(absl::InternalError("x")), CKR_OK);
}

// Every way in which a PIN is refused must latch: one that is missing is
// presented again until the HSM locks.
TEST(RvTest, EveryPinRefusalIsOne) {
  for (const CK_RV rv : {CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE, CKR_PIN_EXPIRED,
                         CKR_PIN_LOCKED, CKR_USER_PIN_NOT_INITIALIZED}) {
    EXPECT_TRUE(IsPinRefusal(rv)) << RvName(rv);
    EXPECT_TRUE(absl::IsPermissionDenied(RvStatus(rv, "C_Login")));
  }
  EXPECT_FALSE(IsPinRefusal(CKR_OK));
  EXPECT_FALSE(IsPinRefusal(CKR_DEVICE_ERROR));
}

// The kinds are disjoint: what ends the process is not tried again in it, and what
// is the operation's own never ends it.
TEST(RvTest, KindsOfErrors) {
  for (const CK_RV rv :
       {CKR_DEVICE_ERROR, CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT, CKR_SESSION_HANDLE_INVALID,
        CKR_SESSION_CLOSED, CKR_USER_NOT_LOGGED_IN, CKR_CRYPTOKI_NOT_INITIALIZED}) {
    EXPECT_TRUE(IsTokenLost(rv)) << RvName(rv);
    EXPECT_FALSE(IsDoubtful(rv)) << RvName(rv);
    EXPECT_TRUE(absl::IsUnavailable(RvStatus(rv, "C_Sign"))) << RvName(rv);
  }
  for (const CK_RV rv : {CKR_HOST_MEMORY, CKR_DEVICE_MEMORY, CKR_SESSION_COUNT}) {
    EXPECT_TRUE(IsDoubtful(rv) && IsExhausted(rv)) << RvName(rv);
    EXPECT_TRUE(absl::IsResourceExhausted(RvStatus(rv, "C_Sign"))) << RvName(rv);
  }
  for (const CK_RV rv :
       {CK_RV{CKR_GENERAL_ERROR}, CK_RV{CKR_FUNCTION_FAILED}, CK_RV{CKR_VENDOR_DEFINED} | 7U}) {
    EXPECT_TRUE(IsDoubtful(rv) && !IsExhausted(rv)) << RvName(rv);
  }
  for (const CK_RV rv : {CKR_OK, CKR_KEY_HANDLE_INVALID, CKR_KEY_FUNCTION_NOT_PERMITTED,
                         CKR_MECHANISM_INVALID, CKR_DATA_LEN_RANGE, CKR_SIGNATURE_LEN_RANGE}) {
    EXPECT_FALSE(IsTokenLost(rv) || IsDoubtful(rv) || IsPinRefusal(rv)) << RvName(rv);
  }
}

}  // namespace
}  // namespace sealward::pkcs11
