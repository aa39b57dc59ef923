// The index of key pairs, on a SoftHSM2 of this process's own.
#include "hsm/key_store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "hsm/pkcs11/module.h"
#include "hsm/session_copies.h"
#include "tests/contract/hsm/hsm_process.h"
#include "tests/fakes/manual_clock.h"

namespace sealward::hsm {
namespace {

constexpr char kLabel[] = "sealward:1:jwt:tenants/acme/keys/login";
constexpr absl::string_view kP256("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10);

class KeyStoreTest : public ::testing::Test {
 protected:
  KeyStoreTest() {
    std::filesystem::create_directory(directory_.Path("tokens"));
    std::ofstream(directory_.Path("conf"))
        << "directories.tokendir = " << directory_.Path("tokens") << "\n";
    setenv("SOFTHSM2_CONF", directory_.Path("conf").c_str(), 1);
    auto module = pkcs11::Module::Load("/usr/lib/softhsm/libsofthsm2.so");
    EXPECT_TRUE(module.ok()) << module.status();
    module_ = *std::move(module);
    EXPECT_TRUE(module_->Initialize().ok());
    MakeToken();
    auto slot = module_->FindSlot("test");
    EXPECT_TRUE(slot.ok()) << slot.status();
    session_ = *pkcs11::Session::Open(*module_, slot->id);
    EXPECT_TRUE(session_->Login("1234").ok());
    objects_ = std::make_unique<DataObjects>(*session_, *FindProfile("softhsm"));
    marks_ = std::make_unique<MarkStore>(*objects_);
  }

  void MakeToken() {
    const CK_FUNCTION_LIST& p11 = module_->functions();
    unsigned char pin[] = "1234";
    std::string label = "test";
    label.resize(32, ' ');
    EXPECT_EQ(p11.C_InitToken(*module_->FindUninitializedSlot(), pin, 4,
                              reinterpret_cast<unsigned char*>(label.data())),
              CKR_OK);
    CK_SESSION_HANDLE session = 0;
    EXPECT_EQ(p11.C_OpenSession(module_->FindSlot("test")->id, CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                nullptr, nullptr, &session),
              CKR_OK);
    EXPECT_EQ(p11.C_Login(session, CKU_SO, pin, 4), CKR_OK);
    EXPECT_EQ(p11.C_InitPIN(session, pin, 4), CKR_OK);
    EXPECT_EQ(p11.C_CloseSession(session), CKR_OK);
  }

  // As another process would do it: behind the store's back.
  pkcs11::KeyPair Generate(const ObjectId& id) {
    pkcs11::Template public_key;
    pkcs11::Template private_key;
    public_key.Bool(CKA_TOKEN, true).Bytes(CKA_EC_PARAMS, kP256).Bytes(CKA_ID, View(id));
    public_key.Bytes(CKA_LABEL, kLabel).Bool(CKA_VERIFY, true);
    private_key.Bool(CKA_TOKEN, true).Bool(CKA_PRIVATE, true).Bytes(CKA_ID, View(id));
    private_key.Bytes(CKA_LABEL, kLabel).Bool(CKA_SIGN, true).Bool(CKA_SENSITIVE, true);
    return *session_->GenerateKeyPair(CKM_EC_KEY_PAIR_GEN, public_key, private_key);
  }

  static ObjectId MakeId(int n) {
    ObjectId id{};
    id[14] = static_cast<char>(n >> 8);
    id[15] = static_cast<char>(n & 0xff);
    return id;
  }

  hsm_test::TempDirectory directory_;
  fakes::ManualClock clock_;
  std::unique_ptr<pkcs11::Module> module_;
  std::unique_ptr<pkcs11::Session> session_;
  std::unique_ptr<DataObjects> objects_;
  std::unique_ptr<MarkStore> marks_;
};

// Each miss costs a linear search; a caller that asks for nonsense must not stop
// the process for others. But a miss must not outlive its time.
TEST_F(KeyStoreTest, AMissIsRememberedForAWhile) {
  SessionCopies copies(*session_, 4);
  KeyStore store(*session_, copies, *marks_, clock_);
  EXPECT_TRUE(absl::IsNotFound(store.Find(MakeId(1)).status()));
  Generate(MakeId(1));
  EXPECT_TRUE(absl::IsNotFound(store.Find(MakeId(1)).status()));
  clock_.Advance(kMissLifetime);
  EXPECT_TRUE(store.Find(MakeId(1)).ok());
}

// The memory that misses take is bounded: the oldest is forgotten.
TEST_F(KeyStoreTest, RememberedMissesAreBounded) {
  SessionCopies copies(*session_, 4);
  KeyStore store(*session_, copies, *marks_, clock_);
  for (int n = 1; n <= static_cast<int>(kMaxRememberedMisses) + 1; ++n) {
    EXPECT_FALSE(store.Find(MakeId(n)).ok());
  }
  Generate(MakeId(1));
  Generate(MakeId(3));
  EXPECT_TRUE(store.Find(MakeId(1)).ok());
  EXPECT_FALSE(store.Find(MakeId(3)).ok());
}

// Session copies are bounded, too: the one used longest ago goes.
TEST_F(KeyStoreTest, CopiesAreBoundedAndDroppedByForget) {
  SessionCopies copies(*session_, 2);
  KeyStore store(*session_, copies, *marks_, clock_);
  for (int n = 1; n <= 3; ++n) Generate(MakeId(n));
  ASSERT_TRUE(store.Refresh().ok());
  KeyObject& one = **store.Find(MakeId(1));
  KeyObject& two = **store.Find(MakeId(2));
  KeyObject& three = **store.Find(MakeId(3));
  const CK_OBJECT_HANDLE copy = copies.HandleFor(one);
  EXPECT_NE(copy, one.handles.private_key);
  copies.HandleFor(two);
  EXPECT_EQ(copies.HandleFor(one), copy);  // used again: two is the oldest now
  copies.HandleFor(three);
  EXPECT_EQ(copies.size(), 2U);
  EXPECT_EQ(two.copy, CK_INVALID_HANDLE);
  EXPECT_EQ(one.copy, copy);
  store.Forget(MakeId(1));
  EXPECT_EQ(copies.size(), 1U);
  EXPECT_FALSE(session_->Read(copy, {CKA_CLASS}).ok()) << "the copy could still sign";
}

// Copies of ours are no objects of the partition.
TEST_F(KeyStoreTest, RefreshDoesNotTakeCopiesForKeys) {
  SessionCopies copies(*session_, 4);
  KeyStore store(*session_, copies, *marks_, clock_);
  Generate(MakeId(1));
  ASSERT_TRUE(store.Refresh().ok());
  copies.HandleFor(**store.Find(MakeId(1)));
  ASSERT_TRUE(store.Refresh().ok());
  EXPECT_EQ(store.listed().size(), 1U);
  EXPECT_EQ(store.unattributable(), 0U);
}

// What nobody can name must be counted, or nobody ever clears it away.
TEST_F(KeyStoreTest, CountsWhatBelongsToNoPair) {
  SessionCopies copies(*session_, 4);
  KeyStore store(*session_, copies, *marks_, clock_);
  const pkcs11::KeyPair half = Generate(MakeId(1));
  ASSERT_TRUE(session_->Destroy(half.private_key).ok());
  Generate(MakeId(2));
  Generate(MakeId(2));  // two pairs with one id: which one signs?
  ASSERT_TRUE(store.Refresh().ok());
  EXPECT_TRUE(store.listed().empty());
  EXPECT_EQ(store.unattributable(), 5U);
  EXPECT_FALSE(store.Find(MakeId(2)).ok());
}

}  // namespace
}  // namespace sealward::hsm
