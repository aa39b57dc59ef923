// Marks and the epoch in a partition that holds what the verbs do not leave behind:
// remnants, other programs' objects, damage. SoftHSM2 inside the test.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/contract/hsm/hsm_process.h"
#include "tests/contract/hsm/local_partition.h"
#include "tests/contract/hsm/mark_operations.h"
#include "tests/fakes/manual_clock.h"

namespace sealward::hsm_test {
namespace {

constexpr absl::string_view kP256("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10);
constexpr char kLabel[] = "sealward:1:jwt:tenants/acme/keys/login";
constexpr absl::Duration kWindow = absl::Hours(24);

class PartitionMarksTest : public ::testing::Test {
 protected:
  std::string Reason(const hsm::v1::Operation& operation) {
    const hsm::v1::Result result = partition_.CallOne(operation);
    return result.code() == 0 ? "OK" : result.reason();
  }

  void ExpectDestroyed(const hsm::v1::ObjectRef& ref) {
    EXPECT_EQ(Reason(ScheduleOp(ref, clock_.Now() + kWindow)), "OK");
    clock_.Advance(kWindow);
    EXPECT_EQ(Reason(DestroyOp(ref)), "OK");
    EXPECT_TRUE(With(ref.object_id()).empty());
  }

  // Objects with this CKA_ID.
  std::vector<CK_OBJECT_HANDLE> With(const std::string& id) {
    pkcs11::Template match;
    match.Bytes(CKA_ID, id);
    return *partition_.session().Find(match);
  }

  size_t DataObjects() {
    pkcs11::Template match;
    match.Ulong(CKA_CLASS, CKO_DATA);
    return partition_.session().Find(match)->size();
  }

  // A pair as another program, or a killed process, would leave it.
  pkcs11::KeyPair MakePair(const std::string& id, const std::string& label) {
    pkcs11::Template public_key;
    pkcs11::Template private_key;
    public_key.Bool(CKA_TOKEN, true).Bytes(CKA_EC_PARAMS, kP256).Bool(CKA_VERIFY, true);
    public_key.Bytes(CKA_ID, id).Bytes(CKA_LABEL, label);
    private_key.Bool(CKA_TOKEN, true).Bool(CKA_PRIVATE, true).Bool(CKA_SENSITIVE, true);
    private_key.Bool(CKA_SIGN, true).Bytes(CKA_ID, id).Bytes(CKA_LABEL, label);
    return *partition_.session().GenerateKeyPair(CKM_EC_KEY_PAIR_GEN, public_key, private_key);
  }

  void MakeData(const std::string& label, const std::string& value,
                const std::string& application = "sealward") {
    pkcs11::Template object;
    object.Ulong(CKA_CLASS, CKO_DATA).Bool(CKA_TOKEN, true).Bool(CKA_PRIVATE, true);
    object.Bytes(CKA_APPLICATION, application).Bytes(CKA_LABEL, label).Bytes(CKA_VALUE, value);
    ASSERT_TRUE(partition_.session().Create(object).ok());
  }

  fakes::ManualClock clock_;
  LocalPartition partition_{clock_};
};

// What no label attributes to a key is purged by its id, whatever it is.
TEST_F(PartitionMarksTest, WhatIsNotAttributableIsDestroyedByItsId) {
  MakePair(Id(1), "somebody's key");
  MakePair(Id(1), "");
  const pkcs11::KeyPair half = MakePair(Id(2), "");
  ASSERT_TRUE(partition_.session().Destroy(half.private_key).ok());
  EXPECT_EQ(partition_.CallOne(ListOp("", 10)).object_list().unattributable(), 5U);
  EXPECT_EQ(Reason(ScheduleOp(Ref(Id(1)), clock_.Now() + kWindow)), "OBJECT_MISMATCH")
      << "no key's reference takes another program's object";
  ExpectDestroyed(BareRef(Id(1)));
  ExpectDestroyed(Ref(Id(2)));  // half a pair without a label may be this key's
  EXPECT_EQ(partition_.CallOne(ListOp("", 10)).object_list().unattributable(), 0U);
}

// Two pairs under one id and half a pair: one attributable label decides.
TEST_F(PartitionMarksTest, AnAttributableRemnantNeedsItsKeysReference) {
  const pkcs11::KeyPair half = MakePair(Id(1), kLabel);
  ASSERT_TRUE(partition_.session().Destroy(half.private_key).ok());
  MakePair(Id(1), "");
  EXPECT_EQ(Reason(ScheduleOp(BareRef(Id(1)), clock_.Now() + kWindow)), "OBJECT_MISMATCH");
  EXPECT_EQ(Reason(ScheduleOp(Ref(Id(1), "tenants/b/keys/c"), clock_.Now() + kWindow)),
            "OBJECT_MISMATCH");
  ExpectDestroyed(Ref(Id(1)));
}

// Damage must not set a key free.
TEST_F(PartitionMarksTest, AMarkThatCannotBeReadStopsThePair) {
  const hsm::v1::PublicKey key =
      partition_.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)).public_key();
  MakeData("sealward:1:mark:6f626a6563742d303030302d30303001", "no message");
  MakeData("sealward:1:mark:zz", "no id");
  partition_.Restart();
  EXPECT_EQ(Reason(SignOp(Ref(Id(1)), SigningInputFor(key))), "OBJECT_REVOKED");
  EXPECT_EQ(Reason(ForgetOp(Id(1))), "OK");
  EXPECT_EQ(Reason(SignOp(Ref(Id(1)), SigningInputFor(key))), "OBJECT_REVOKED");
  EXPECT_EQ(partition_.CallOne(ListMarksOp()).mark_list().marks_size(), 1);
}

// Another program's data is not ours to read, to count or to clear away.
TEST_F(PartitionMarksTest, OtherDataObjectsAreLeftAlone) {
  const hsm::v1::PublicKey key =
      partition_.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)).public_key();
  MakeData("sealward:1:mark:6f626a6563742d303030302d30303001", "value", "other");
  MakeData("", "value", "other");
  partition_.Restart();
  EXPECT_EQ(Reason(SignOp(Ref(Id(1)), SigningInputFor(key))), "OK");
  EXPECT_EQ(Reason(ForgetOp(Id(1))), "OK");
  EXPECT_EQ(Reason(SignOp(Ref(Id(1)), SigningInputFor(key))), "OK");
  EXPECT_EQ(partition_.CallOne(ListMarksOp()).mark_list().marks_size(), 0);
  EXPECT_EQ(partition_.CallOne(ListOp("", 10)).object_list().unattributable(), 0U);
  EXPECT_EQ(DataObjects(), 2U);
}

// SoftHSM2 writes a data object in a dozen steps; what a kill leaves of one goes when
// the next process starts.
TEST_F(PartitionMarksTest, UnfinishedDataObjectsGoAtTheNextStart) {
  ASSERT_EQ(Reason(RevokeOp(Ref(Id(1)))), "OK");
  MakeData("", "", "");
  ASSERT_EQ(DataObjects(), 2U);
  partition_.Restart();
  EXPECT_EQ(DataObjects(), 1U);
}

// The next best epoch could let an old store sign.
TEST_F(PartitionMarksTest, AnEpochThatCannotBeReadIsNotPassedOver) {
  ASSERT_EQ(Reason(AdvanceOp('a', 1)), "OK");
  MakeData("sealward:1:epoch", "no message");
  EXPECT_EQ(Reason(ReadEpochOp()), "EPOCH_UNREADABLE");
  EXPECT_EQ(Reason(AdvanceOp('a', 2)), "EPOCH_UNREADABLE");
}

}  // namespace
}  // namespace sealward::hsm_test
