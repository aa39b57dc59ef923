// What an HSM's error means for the process. If these go, a process could go on
// with handles that denote something else, one broken key could take the others
// down, or a refused PIN could be presented again.
#include "hsm/outage.h"

#include <gtest/gtest.h>

#include "common/errors.h"

namespace sealward::hsm {
namespace {

absl::Status Rv(CK_RV rv) { return pkcs11::RvStatus(rv, "test"); }

TEST(OutageTest, TheOperationsOwnErrorsMeanNothing) {
  Outage outage;
  for (int i = 0; i < 100; ++i) {
    outage.Failed(Rv(CKR_KEY_HANDLE_INVALID));
    outage.Failed(Rv(CKR_KEY_FUNCTION_NOT_PERMITTED));
    outage.Failed(absl::UnavailableError("partition locked"));
  }
  EXPECT_EQ(outage.fate(), Fate::kServe);
  EXPECT_FALSE(outage.over());
}

TEST(OutageTest, WhatIsLostStaysLost) {
  Outage outage;
  outage.Failed(Rv(CKR_SESSION_HANDLE_INVALID));
  EXPECT_EQ(outage.fate(), Fate::kReplace);
  outage.Succeeded();
  outage.Failed(Rv(CKR_DEVICE_REMOVED));
  EXPECT_EQ(outage.fate(), Fate::kReplace);
  EXPECT_EQ(outage.cause(), CKR_SESSION_HANDLE_INVALID);
  // Not counted against the HSM: it was not asked.
  EXPECT_EQ(pkcs11::RvOf(outage.Refusal()), CKR_OK);
  EXPECT_TRUE(absl::IsUnavailable(outage.Refusal()));
}

TEST(OutageTest, APinThatIsRefusedLatches) {
  Outage outage;
  outage.Failed(Rv(CKR_PIN_EXPIRED));
  EXPECT_EQ(outage.fate(), Fate::kLatch);
  EXPECT_TRUE(outage.over());
}

// Of signatures that were under way together one may say that the token is lost, and another
// that the PIN is: the next process must not present it.
TEST(OutageTest, APinThatIsRefusedLatchesThoughTheTokenIsLost) {
  Outage outage;
  outage.Failed(Rv(CKR_DEVICE_REMOVED));
  outage.Failed(Rv(CKR_PIN_EXPIRED));
  EXPECT_EQ(outage.fate(), Fate::kLatch);
  outage.Failed(Rv(CKR_DEVICE_REMOVED));
  EXPECT_EQ(outage.fate(), Fate::kLatch);
  EXPECT_EQ(outage.cause(), CKR_PIN_EXPIRED);
}

TEST(OutageTest, DoubtIsForTheCanaryToSettle) {
  Outage outage;
  const auto fail = [&](int times) {
    for (int i = 0; i < times; ++i) outage.Failed(Rv(CKR_HOST_MEMORY));
  };
  fail(kMaxDoubtfulFailures - 1);
  outage.Succeeded();  // not in a row
  fail(kMaxDoubtfulFailures - 1);
  EXPECT_EQ(outage.fate(), Fate::kServe);
  fail(1);
  EXPECT_EQ(outage.fate(), Fate::kDoubt);
  EXPECT_FALSE(outage.over());
  outage.Proved(absl::OkStatus());  // it was the key
  EXPECT_EQ(outage.fate(), Fate::kServe);
  fail(kMaxDoubtfulFailures);
  outage.Proved(Rv(CKR_HOST_MEMORY));  // it was the HSM
  EXPECT_EQ(outage.fate(), Fate::kReplace);
  EXPECT_EQ(outage.cause(), CKR_HOST_MEMORY);
}

TEST(OutageTest, ACanaryWhoseSignatureIsWrongEndsTheProcess) {
  Outage outage;
  for (int i = 0; i < kMaxDoubtfulFailures; ++i) outage.Failed(Rv(CKR_GENERAL_ERROR));
  outage.Proved(absl::InternalError("the canary's signature does not verify"));
  EXPECT_EQ(outage.fate(), Fate::kReplace);
}

}  // namespace
}  // namespace sealward::hsm
