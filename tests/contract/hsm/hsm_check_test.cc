// sealward-hsm check on every kind of HSM, and on one with faults.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "hsm/exit_codes.h"
#include "tests/contract/hsm/hsm_process.h"

namespace sealward::hsm_test {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

// A page has so many lines at most.
constexpr auto kMaxLines = 60;

Ended CheckIn(const TempPartition& partition) {
  return RunHsm({"check", "--dir", partition.directory(), "--pin-file", "pin"});
}

class CheckTest : public ::testing::TestWithParam<HsmKind> {
 protected:
  TempPartition partition_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Kinds, CheckTest, ::testing::ValuesIn(AllKinds()), KindName);

void ExpectThePage(const HsmKind& kind, const std::string& page) {
  EXPECT_LE(std::ranges::count(page, '\n'), kMaxLines);
  EXPECT_THAT(page, HasSubstr(kind.model));
  for (const AlgorithmInfo& algorithm : AllAlgorithms()) {
    const std::string word = kind.Lacks(algorithm.algorithm) ? "no " : "yes ";
    EXPECT_THAT(page, ContainsRegex("\n  " + std::string(algorithm.name) + " +" + word));
  }
  const std::string copies = std::string(kind.name) == "cloud" ? "NO " : "yes ";
  EXPECT_THAT(page, ContainsRegex("C_CopyObject to a session +" + copies));
  EXPECT_THAT(page, ContainsRegex("16 sessions at once: +[1-9][0-9]* signatures"));
  EXPECT_THAT(page, HasSubstr("Sealward can use this module."));
}

// What an operator buys an HSM on must say what serve will do; and the check destroys
// what it made, and nothing else. One case, because making RSA keys takes long.
TEST_P(CheckTest, SaysWhatTheModuleCanDoAndLeavesThePartitionAsItWas) {
  hsm::v1::PublicKey key;
  {
    HsmProcess process(partition_.directory());
    ASSERT_TRUE(process.Ready().ok()) << process.Log();
    key = process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)).public_key();
  }
  const Ended ended = CheckIn(partition_);
  EXPECT_EQ(ended.exit_code, hsm::kExitOk) << ended.out << ended.log;
  ExpectThePage(GetParam(), ended.out);
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok()) << process.Log();
  const hsm::v1::Result list = process.CallOne(ListOp("", 10));
  EXPECT_EQ(list.object_list().objects_size(), 1);
  EXPECT_EQ(list.object_list().unattributable(), 0U);
  const std::string input = SigningInputFor(key);
  const hsm::v1::Result signature = process.CallOne(SignOp(Ref(Id(1)), input));
  EXPECT_TRUE(Verifies(key, input, signature.signature().signature()));
}

// Without a PIN nothing is tried, and the page says so.
TEST_P(CheckTest, WithoutAPinItOnlyLooks) {
  const Ended ended = RunHsm({"check", "--dir", partition_.directory()});
  EXPECT_EQ(ended.exit_code, hsm::kExitOk) << ended.log;
  EXPECT_THAT(ended.out, HasSubstr("nothing was tried"));
  EXPECT_THAT(ended.out, Not(HasSubstr("logged in")));
}

TEST(CheckFaultTest, AWrongPinIsPresentedOnce) {
  const TempPartition partition(SEALWARD_FAULT_MODULE);
  const size_t before = partition.Calls("C_Login");
  partition.Write("pin", "0123456789abcdef", 0400);
  EXPECT_EQ(CheckIn(partition).exit_code, hsm::kExitPinLatched);
  EXPECT_EQ(CheckIn(partition).exit_code, hsm::kExitPinLatched);
  EXPECT_EQ(partition.Calls("C_Login") - before, 1U);
}

// Of any function, as for serve: an operator who tries a module out must not lock the HSM.
TEST(CheckFaultTest, APinThatASignatureIsRefusedForIsPresentedOnce) {
  const TempPartition partition(SEALWARD_FAULT_MODULE);
  const size_t before = partition.Calls("C_Login");
  partition.Write("faults", "C_SignInit once return CKR_PIN_EXPIRED");
  EXPECT_EQ(CheckIn(partition).exit_code, hsm::kExitPinLatched);
  EXPECT_EQ(CheckIn(partition).exit_code, hsm::kExitPinLatched);
  EXPECT_EQ(partition.Calls("C_Login") - before, 1U);
}

// After a reconnect handles may denote other objects: what was made stays, and the page says so.
TEST(CheckFaultTest, NothingIsDestroyedOverALostToken) {
  const TempPartition partition(SEALWARD_FAULT_MODULE);
  const size_t before = partition.Calls("C_DestroyObject");
  const size_t pairs = partition.Calls("C_GenerateKeyPair");
  partition.Write("faults", absl::StrCat("C_SignInit ", partition.Calls("C_SignInit") + 3,
                                         "+ return CKR_DEVICE_ERROR\n"));
  const Ended ended = CheckIn(partition);
  EXPECT_EQ(ended.exit_code, hsm::kExitPartitionUnusable);
  EXPECT_THAT(ended.out, HasSubstr("stays behind"));
  EXPECT_GT(partition.Calls("C_GenerateKeyPair"), pairs);
  EXPECT_LT(partition.Calls("C_GenerateKeyPair") - pairs, 5U);
  // Of the copy and the data object, which were tried before, and of no pair.
  EXPECT_LE(partition.Calls("C_DestroyObject") - before, 2U);
}

// A key that could leave the HSM is what serve would refuse; the pairs that showed it go, and
// the page does not say so where one half has not.
TEST(CheckFaultTest, FindsWhatServeWouldRefuse) {
  const TempPartition partition(SEALWARD_FAULT_MODULE);
  const size_t before = partition.Calls("C_DestroyObject");
  partition.Write("faults",
                  "C_GetAttributeValue * extractable\n"
                  "C_DestroyObject once return CKR_FUNCTION_FAILED\n");
  const Ended ended = CheckIn(partition);
  EXPECT_EQ(ended.exit_code, hsm::kExitPartitionUnusable);
  EXPECT_THAT(ended.out, HasSubstr("CKA_EXTRACTABLE is not false"));
  EXPECT_THAT(ended.out, HasSubstr("1 key pairs made; NOT all"));
  EXPECT_THAT(ended.out, HasSubstr("CANNOT"));
  EXPECT_EQ(partition.Calls("C_DestroyObject") - before, 2 * AllAlgorithms().size());
}

// What cannot be destroyed must not pass for a module that is fine.
TEST(CheckFaultTest, SaysWhatItCouldNotDestroy) {
  const TempPartition partition(SEALWARD_FAULT_MODULE);
  partition.Write("faults", "C_DestroyObject * return CKR_FUNCTION_FAILED\n");
  const Ended ended = CheckIn(partition);
  EXPECT_EQ(ended.exit_code, hsm::kExitPartitionUnusable);
  EXPECT_THAT(ended.out, HasSubstr("stays behind"));
  EXPECT_THAT(ended.out, HasSubstr("NOT all"));
}

// Nor what one algorithm left, or a data object, while all else went well.
TEST(CheckFaultTest, OneRemnantIsEnough) {
  const TempPartition partition(SEALWARD_FAULT_MODULE);
  partition.Write("faults",
                  "C_Sign once flip\n"
                  "C_DestroyObject once return CKR_FUNCTION_FAILED\n");
  Ended ended = CheckIn(partition);
  EXPECT_EQ(ended.exit_code, hsm::kExitPartitionUnusable);
  EXPECT_THAT(ended.out, ContainsRegex("C_DestroyObject +NO +1 pairs that did not sign stay"));
  // The first is that of the copy.
  partition.Write("faults", absl::StrCat("C_DestroyObject ", partition.Calls("C_DestroyObject") + 2,
                                         " return CKR_FUNCTION_FAILED\n"));
  ended = CheckIn(partition);
  EXPECT_EQ(ended.exit_code, hsm::kExitPartitionUnusable);
  EXPECT_THAT(ended.out, ContainsRegex("C_DestroyObject +NO +a data object stays behind"));
  EXPECT_THAT(ended.out, HasSubstr("NOT all"));
}

// A module may say that it destroyed what it keeps.
TEST(CheckFaultTest, LooksWhetherWhatWasDestroyedIsGone) {
  const TempPartition partition(SEALWARD_FAULT_MODULE);
  partition.Write("faults", "C_DestroyObject * return CKR_OK\n");
  const Ended ended = CheckIn(partition);
  EXPECT_EQ(ended.exit_code, hsm::kExitPartitionUnusable);
  EXPECT_THAT(ended.out, ContainsRegex("C_DestroyObject +NO .*2 objects are there"));
}

// Over a lost token the handle in hand may be a production key's: nothing is written by it.
TEST(CheckFaultTest, NothingIsTriedOverALostToken) {
  const TempPartition partition(SEALWARD_FAULT_MODULE);
  const size_t created = partition.Calls("C_CreateObject");
  const size_t changed = partition.Calls("C_SetAttributeValue");
  partition.Write("faults", "C_CopyObject once return CKR_DEVICE_ERROR\n");
  EXPECT_EQ(CheckIn(partition).exit_code, hsm::kExitPartitionUnusable);
  EXPECT_EQ(partition.Calls("C_CreateObject"), created);
  EXPECT_EQ(partition.Calls("C_SetAttributeValue"), changed);
}

// serve makes a canary before anything else, of the first algorithm that is offered: where that
// is refused, others do not help.
TEST(CheckFaultTest, SaysThatThereCanBeNoCanary) {
  const TempPartition partition(SEALWARD_FAULT_MODULE);
  for (const auto& file :
       std::filesystem::directory_iterator(partition.Path(partition.TokenDirectory()))) {
    if (file.path().extension() == ".object" && file.path().stem() != "token") {
      std::filesystem::remove(file.path());
    }
  }
  partition.Write("faults", "C_GenerateKeyPair once return CKR_TEMPLATE_INCONSISTENT\n");
  Ended ended = CheckIn(partition);
  EXPECT_EQ(ended.exit_code, hsm::kExitPartitionUnusable);
  EXPECT_THAT(ended.out, ContainsRegex("an algorithm for the canary +NO .*TEMPLATE_INCONSISTENT"));
  EXPECT_THAT(ended.out, ContainsRegex("\n  ES512 +yes "));
  ended = CheckIn(partition);
  EXPECT_EQ(ended.exit_code, hsm::kExitOk) << ended.out << ended.log;
}

// A token that hsm.toml names and that is not there is missing, whatever it is called.
TEST(CheckFaultTest, TheTokenOfAPartitionDirectoryIsNamed) {
  const TempPartition partition(SEALWARD_FAULT_MODULE);
  std::filesystem::remove_all(partition.Path(partition.TokenDirectory()));
  const Ended ended = RunHsm({"check", "--dir", partition.directory()});
  EXPECT_EQ(ended.exit_code, hsm::kExitPartitionUnusable);
  EXPECT_THAT(ended.out, ContainsRegex("a token .* with a PIN +NO "));
}

// What a module does not say is not "it does not offer it"; what serve does not ask may fail.
TEST(CheckFaultTest, AModuleThatDoesNotSayWhatItHas) {
  const TempPartition partition(SEALWARD_FAULT_MODULE);
  for (const char* fault : {"return CKR_FUNCTION_FAILED", "overstate 5000"}) {
    partition.Write("faults", absl::StrCat("C_GetMechanismList * ", fault));
    const Ended ended = CheckIn(partition);
    EXPECT_NE(ended.exit_code, hsm::kExitOk) << fault;
    EXPECT_THAT(ended.log, HasSubstr("C_GetMechanismList")) << fault;
    EXPECT_FALSE(HsmProcess(partition.directory()).Ready().ok()) << fault;
  }
  partition.Write("faults", "C_GetInfo * return CKR_FUNCTION_FAILED");
  const Ended ended = RunHsm({"check", "--dir", partition.directory()});
  EXPECT_EQ(ended.exit_code, hsm::kExitOk) << ended.log;
  EXPECT_THAT(ended.out, HasSubstr("C_GetInfo"));
}

// Counts are where a module makes a process read what is not its own.
TEST(CheckFaultTest, CountsBeyondTheRoomAreRefused) {
  const TempPartition partition(SEALWARD_FAULT_MODULE);
  for (const char* function : {"C_GetSlotList", "C_FindObjects"}) {
    partition.Write("faults", absl::StrCat(function, " * overstate 5000"));
    const Ended ended = CheckIn(partition);
    EXPECT_EQ(ended.exit_code, hsm::kExitPartitionUnusable) << function;
    EXPECT_THAT(ended.out + ended.log, HasSubstr("were asked for")) << function;
  }
}

// What serve does with fewer sessions, the page must say, and not fail.
TEST(CheckFaultTest, SaysHowManySessionsThereAre) {
  const TempPartition partition(SEALWARD_FAULT_MODULE);
  partition.Write("faults", "C_OpenSession * limit 4\n");
  Ended ended = CheckIn(partition);
  EXPECT_EQ(ended.exit_code, hsm::kExitOk) << ended.out << ended.log;
  EXPECT_THAT(ended.out, ContainsRegex("16 sessions that sign at once +NO "));
  EXPECT_THAT(ended.out, ContainsRegex(" 3 sessions at once: +[1-9][0-9]* signatures"));
  partition.Write("faults", "C_Initialize once return CKR_CANT_LOCK\n");
  ended = CheckIn(partition);
  EXPECT_EQ(ended.exit_code, hsm::kExitOk) << ended.out << ended.log;
  EXPECT_THAT(ended.out, ContainsRegex("16 sessions that sign at once +NO .*CKR_CANT_LOCK"));
  EXPECT_THAT(ended.out, ContainsRegex(" 1 session  at once: +[1-9][0-9]* signatures"));
}

TEST(CheckUsageTest, SaysWhatIsMissing) {
  EXPECT_EQ(RunHsm({"check"}).exit_code, hsm::kExitUsage);
  EXPECT_EQ(RunHsm({"check", "--module", "relative.so"}).exit_code, hsm::kExitUsage);
  EXPECT_EQ(RunHsm({"check", "--module", "/m.so", "--pin-file", "pin"}).exit_code, hsm::kExitUsage);
  EXPECT_EQ(RunHsm({"check", "--module", "/m.so", "--profile", "none"}).exit_code, hsm::kExitUsage);
  EXPECT_EQ(RunHsm({"check", "--module", "/no/such.so"}).exit_code, hsm::kExitPartitionUnusable);
}

}  // namespace
}  // namespace sealward::hsm_test
