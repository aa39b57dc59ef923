// The files that keep a partition alive: lock, latch, PIN, copy of token.object.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "hsm/config.h"
#include "hsm/exit_codes.h"
#include "hsm/files.h"
#include "hsm/partition_lock.h"
#include "hsm/pin.h"
#include "hsm/pin_latch.h"
#include "hsm/pkcs11/rv.h"
#include "hsm/token_guard.h"

namespace sealward::hsm {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

// The working directory of every case is a new one, as it is for sealward-hsm.
class FilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "hsm-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr || chdir(pattern.c_str()) != 0) abort();
    directory_ = pattern;
    std::filesystem::create_directory("token");
  }
  void TearDown() override {
    if (chdir("/") == 0) std::filesystem::remove_all(directory_);
  }
  static void Write(const std::string& path, absl::string_view content, mode_t mode = 0600) {
    ASSERT_TRUE(ReplaceFile(path, "staging", content).ok());
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
  }
  static std::string Read(const std::string& path) {
    return ReadFile(path).value_or("(there is none)");
  }

  std::string directory_;
};

using TokenGuardTest = FilesTest;

// Without the copy, one kill in a login loses every key of the partition.
TEST_F(TokenGuardTest, RestoresWhatAKillLeft) {
  const TokenGuard guard("token", "copy");
  for (const char* damaged : {"", "the master"}) {
    Write("token/token.object", damaged);
    Write("copy", "the master key");
    const auto alarm = guard.RestoreIfDamaged();
    ASSERT_TRUE(alarm.ok() && alarm->has_value());
    EXPECT_THAT(**alarm, HasSubstr("restored"));
    EXPECT_EQ(Read("token/token.object"), "the master key");
  }
  ASSERT_TRUE(RemoveFile("token/token.object").ok());
  EXPECT_TRUE(guard.RestoreIfDamaged()->has_value());
  EXPECT_EQ(Read("token/token.object"), "the master key");
}

// A whole file is newer than the copy, even if it differs: never go back.
TEST_F(TokenGuardTest, LeavesAWholeFileAlone) {
  const TokenGuard guard("token", "copy");
  Write("token/token.object", "another key!!!");
  Write("copy", "the master key");
  EXPECT_EQ(*guard.RestoreIfDamaged(), std::nullopt);
  EXPECT_EQ(Read("token/token.object"), "another key!!!");
  ASSERT_TRUE(guard.UpdateCopy().ok());
  EXPECT_EQ(Read("copy"), "another key!!!");
}

// Every login counts the file's first 8 bytes up; flushing a new copy each time
// would make all starts of the partition wait for the disk.
TEST_F(TokenGuardTest, DoesNotCopyForTheCounterAlone) {
  const TokenGuard guard("token", "copy");
  Write("token/token.object", "00000002 the master key");
  Write("copy", "00000001 the master key");
  ASSERT_TRUE(guard.UpdateCopy().ok());
  EXPECT_EQ(Read("copy"), "00000001 the master key");
  Write("token/token.object", "00000003 a master key!!");
  ASSERT_TRUE(guard.UpdateCopy().ok());
  EXPECT_EQ(Read("copy"), "00000003 a master key!!");
}

// A copy of a damaged file would make the damage final.
TEST_F(TokenGuardTest, NeverCopiesAShorterFile) {
  const TokenGuard guard("token", "copy");
  Write("token/token.object", "");
  Write("copy", "the master key");
  EXPECT_TRUE(guard.UpdateCopy().ok());
  EXPECT_EQ(Read("copy"), "the master key");
  Write("copy", "");
  EXPECT_EQ(ExitCodeOf(guard.RestoreIfDamaged().status()), kExitPartitionUnusable);
}

using PinLatchTest = FilesTest;

absl::Status Refused() { return pkcs11::RvStatus(CKR_PIN_INCORRECT, "C_Login"); }

// The order of these steps is what makes "once" true across kills.
TEST_F(PinLatchTest, ANewPinIsLatchedBeforeItIsPresented) {
  const PinLatch latch("pin-1");
  ASSERT_TRUE(PinLatch::Check().ok());
  ASSERT_TRUE(latch.BeforePresenting().ok());
  EXPECT_EQ(ExitCodeOf(PinLatch::Check()), kExitPinLatched);  // a kill here stays latched
  ASSERT_TRUE(latch.AfterPresenting(absl::OkStatus()).ok());
  EXPECT_TRUE(PinLatch::Check().ok());
  ASSERT_TRUE(latch.BeforePresenting().ok());
  EXPECT_TRUE(PinLatch::Check().ok());  // accepted once: a kill here does not latch
}

TEST_F(PinLatchTest, ARefusalLatchesANewAndAnAcceptedPin) {
  const PinLatch latch("pin-1");
  ASSERT_TRUE(latch.BeforePresenting().ok());
  EXPECT_EQ(ExitCodeOf(latch.AfterPresenting(Refused())), kExitPinLatched);
  EXPECT_FALSE(PinLatch::Check().ok());
  EXPECT_EQ(*PinLatch::Clear(), true);
  EXPECT_EQ(*PinLatch::Clear(), false);
  ASSERT_TRUE(latch.BeforePresenting().ok());
  ASSERT_TRUE(latch.AfterPresenting(absl::OkStatus()).ok());
  EXPECT_EQ(ExitCodeOf(latch.AfterPresenting(Refused())), kExitPinLatched);
  EXPECT_FALSE(PinLatch::Check().ok());
}

// An HSM that is away says nothing about the PIN.
TEST_F(PinLatchTest, AnotherErrorLeavesThePinUntried) {
  const PinLatch latch("pin-1");
  ASSERT_TRUE(latch.BeforePresenting().ok());
  const absl::Status away = pkcs11::RvStatus(CKR_DEVICE_ERROR, "C_Login");
  EXPECT_EQ(latch.AfterPresenting(away), away);
  EXPECT_TRUE(PinLatch::Check().ok());
  ASSERT_TRUE(latch.BeforePresenting().ok());
  EXPECT_FALSE(PinLatch::Check().ok());  // still on trial
}

// Not every module refuses a PIN with a CKR_PIN_*. One that was accepted before is
// rather met by an outage: its service has to come back by itself.
TEST_F(PinLatchTest, AnAnswerThatMayBeARefusalLatchesANewPinAlone) {
  for (const CK_RV rv : {CK_RV{CKR_VENDOR_DEFINED + 1}, CK_RV{CKR_GENERAL_ERROR},
                         CK_RV{CKR_FUNCTION_FAILED}, CK_RV{CKR_ARGUMENTS_BAD}}) {
    const absl::Status doubtful = pkcs11::RvStatus(rv, "C_Login");
    const PinLatch latch(absl::StrCat("pin-", rv));
    ASSERT_TRUE(latch.BeforePresenting().ok());
    EXPECT_EQ(ExitCodeOf(latch.AfterPresenting(doubtful)), kExitPinLatched) << rv;
    EXPECT_FALSE(PinLatch::Check().ok()) << rv;
    EXPECT_EQ(*PinLatch::Clear(), true);
    ASSERT_TRUE(latch.BeforePresenting().ok());
    ASSERT_TRUE(latch.AfterPresenting(absl::OkStatus()).ok());
    EXPECT_EQ(latch.AfterPresenting(doubtful), doubtful);
    EXPECT_TRUE(PinLatch::Check().ok()) << rv;
  }
}

using PinTest = FilesTest;

TEST_F(PinTest, ReadsAFileOfItsOwnOnly) {
  Write("pin", "1234567890\n", 0400);
  const auto pin = ReadPinFile("pin");
  ASSERT_TRUE(pin.ok()) << pin.status();
  EXPECT_EQ(pin->pin->view(), "1234567890");
  for (const mode_t mode : {0440U, 0404U, 0420U, 0401U}) {
    Write("pin", "1234567890", mode);
    EXPECT_EQ(ExitCodeOf(ReadPinFile("pin").status()), kExitBadConfiguration) << mode;
  }
  Write("pin", "123", 0400);
  EXPECT_FALSE(ReadPinFile("pin").ok());
  Write("pin", std::string(256, 'x'), 0400);
  EXPECT_FALSE(ReadPinFile("pin").ok());
  Write("target", "1234567890", 0400);
  ASSERT_TRUE(RemoveFile("pin").ok());
  ASSERT_EQ(symlink("target", "pin"), 0);
  EXPECT_FALSE(ReadPinFile("pin").ok());
  EXPECT_FALSE(ReadPinFile("missing").ok());
  EXPECT_FALSE(ReadPinFile("token").ok());
}

// The latch is about files: a new file with the same PIN is another trial.
TEST_F(PinTest, TheIdentityIsTheFiles) {
  Write("pin", "1234567890", 0400);
  const std::string first = ReadPinFile("pin")->identity;
  EXPECT_EQ(ReadPinFile("pin")->identity, first);
  Write("pin", "1234567890", 0400);
  EXPECT_NE(ReadPinFile("pin")->identity, first);
}

TEST_F(PinTest, RandomPinsHave256Bits) {
  auto a = SecretPage::Create();
  auto b = SecretPage::Create();
  ASSERT_TRUE(a.ok() && b.ok());
  ASSERT_TRUE((*a)->FillWithRandomPin().ok());
  ASSERT_TRUE((*b)->FillWithRandomPin().ok());
  EXPECT_THAT(std::string((*a)->view()), MatchesRegex("[0-9a-f]{64}"));
  EXPECT_NE((*a)->view(), (*b)->view());
  // Nothing of it may stay, also beyond what size() covers.
  const char* page = (*a)->view().data();
  (*a)->Wipe();
  EXPECT_EQ(std::string(page, 4096), std::string(4096, '\0'));
}

TEST_F(PinTest, APinFileIsNeverReplaced) {
  auto pin = SecretPage::Create();
  ASSERT_TRUE(pin.ok() && (*pin)->FillWithRandomPin().ok());
  ASSERT_TRUE(WritePinFile("pin", **pin).ok());
  EXPECT_EQ(Read("pin"), (*pin)->view());
  EXPECT_TRUE(absl::IsAlreadyExists(WritePinFile("pin", **pin)));
}

using LockTest = FilesTest;

// Two logins at once fail one time in ten, and damage the partition.
TEST_F(LockTest, IsExclusiveAndEndsWithItsHolder) {
  {
    auto held = PartitionLock::Acquire("lock");
    ASSERT_TRUE(held.ok());
    auto second = PartitionLock::Acquire("lock", -1, absl::Milliseconds(20));
    EXPECT_TRUE(absl::IsUnavailable(second.status())) << second.status();
  }
  EXPECT_TRUE(PartitionLock::Acquire("lock", -1, absl::Milliseconds(20)).ok());
}

// A killed holder must not lock everybody out.
TEST_F(LockTest, AKilledHolderLetsGo) {
  int held[2];
  ASSERT_EQ(pipe(held), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    auto lock = PartitionLock::Acquire("lock");
    if (!lock.ok() || write(held[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char byte = 0;
  ASSERT_EQ(read(held[0], &byte, 1), 1);
  EXPECT_FALSE(PartitionLock::Acquire("lock", -1, absl::Milliseconds(20)).ok());
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  EXPECT_TRUE(PartitionLock::Acquire("lock", -1, absl::Seconds(20)).ok());
}

TEST_F(LockTest, GivesUpWhenThePeerGoes) {
  auto held = PartitionLock::Acquire("lock");
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
  close(pair[1]);
  EXPECT_TRUE(absl::IsCancelled(PartitionLock::Acquire("lock", pair[0]).status()));
  close(pair[0]);
}

}  // namespace
}  // namespace sealward::hsm
