// How sealward-hsm starts, and how it refuses to.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <memory>

#include "absl/strings/str_cat.h"
#include "tests/contract/hsm/hsm_process.h"

namespace sealward::hsm_test {
namespace {

using ::testing::HasSubstr;

constexpr int kOk = static_cast<int>(absl::StatusCode::kOk);

Ended Serve(const std::string& directory) {
  HsmProcess process(directory);
  EXPECT_FALSE(process.Ready().ok());
  return process.Wait();
}

// A partition must never be overwritten: its keys would be gone.
TEST(InitTest, RefusesADirectoryThatHoldsAnything) {
  const TempPartition partition;
  const std::string config = partition.Read("hsm.toml");
  const Ended again = RunHsm({"init", "--dir", partition.directory()});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.log, HasSubstr("never overwritten"));
  EXPECT_EQ(partition.Read("hsm.toml"), config);

  std::filesystem::remove(partition.Path("hsm.toml"));  // tokens/ still holds objects
  EXPECT_EQ(RunHsm({"init", "--dir", partition.directory()}).exit_code, 2);
}

// The server, under another uid, must not be able to read the PIN or the keys.
TEST(InitTest, GivesNobodyElseAccess) {
  const TempPartition partition;
  struct stat directory{};
  struct stat pin{};
  ASSERT_EQ(stat(partition.directory().c_str(), &directory), 0);
  ASSERT_EQ(stat(partition.Path("pin").c_str(), &pin), 0);
  EXPECT_EQ(directory.st_mode & 0777, 0700U);
  EXPECT_EQ(pin.st_mode & 0777, 0400U);
  EXPECT_NE(directory.st_uid, 0U);
  EXPECT_GE(pin.st_size, 32);  // hex of at least 128 bits
}

// Two partitions with one PIN would mean that it is not random.
TEST(InitTest, PinsDiffer) { EXPECT_NE(TempPartition().Read("pin"), TempPartition().Read("pin")); }

// The difference between "start it again" and "ask an operator" is an exit code.
TEST(ServeTest, SaysWhatIsWrongWithThePartition) {
  const TempDirectory root;
  ASSERT_EQ(mkdir(root.Path("empty").c_str(), 0700), 0);
  ASSERT_EQ(chown(root.Path("empty").c_str(), geteuid() == 0 ? 64815 : geteuid(), getegid()), 0);
  EXPECT_EQ(Serve(root.Path("empty")).exit_code, 69);
  EXPECT_EQ(Serve(root.Path("missing")).exit_code, 69);

  const TempPartition partition;
  const std::string config = partition.Read("hsm.toml");
  partition.Write("hsm.toml", "module = 7\n");
  EXPECT_EQ(Serve(partition.directory()).exit_code, 78);
  partition.Write("hsm.toml", absl::StrCat(config, "\nsurprise = 'x'\n"));
  EXPECT_EQ(Serve(partition.directory()).exit_code, 78);

  partition.Write("hsm.toml", "module = '/no/such.so'\nlabel = 'sealward'\nprofile = 'generic'\n");
  Ended ended = Serve(partition.directory());
  EXPECT_EQ(ended.exit_code, 69);
  EXPECT_THAT(ended.log, HasSubstr("/no/such.so"));

  partition.Write("hsm.toml", absl::StrCat("module = '/usr/lib/softhsm/libsofthsm2.so'\nlabel = "
                                           "'other'\nprofile = 'softhsm'\ntoken_directory = '",
                                           partition.TokenDirectory(), "'\n"));
  ended = Serve(partition.directory());
  EXPECT_EQ(ended.exit_code, 69);
  EXPECT_THAT(ended.log, HasSubstr("other"));
}

TEST(ServeTest, RefusesAPinFileThatOthersMayRead) {
  const TempPartition partition;
  const std::string pin = partition.Read("pin");
  partition.Write("pin", pin, 0440);
  const Ended ended = Serve(partition.directory());
  EXPECT_EQ(ended.exit_code, 78);
  EXPECT_THAT(ended.log, HasSubstr("chmod"));
  EXPECT_THAT(ended.log, ::testing::Not(HasSubstr(pin)));
}

TEST(ServeTest, RefusesADirectoryThatOthersMayEnter) {
  const TempPartition partition;
  ASSERT_EQ(chmod(partition.directory().c_str(), 0755), 0);
  EXPECT_EQ(Serve(partition.directory()).exit_code, 78);
}

class PinTest : public ::testing::Test {
 protected:
  PinTest() : partition_(SEALWARD_FAULT_MODULE), before_(partition_.Calls("C_Login")) {}
  // Since the partition was made.
  size_t Logins() const { return partition_.Calls("C_Login") - before_; }

  TempPartition partition_;
  size_t before_;
};

// HSMs erase themselves after a few wrong PINs, and systemd starts a program
// again that ends: the PIN must go out once, whatever the number of processes.
TEST_F(PinTest, AWrongPinIsPresentedOnceInAllStarts) {
  const std::string good = partition_.Read("pin");
  partition_.Write("pin", "0123456789abcdef", 0400);
  {
    HsmProcess a(partition_.directory());
    HsmProcess b(partition_.directory());
    HsmProcess c(partition_.directory());
    for (HsmProcess* process : {&a, &b, &c}) {
      const Ended ended = process->Wait();
      EXPECT_EQ(ended.exit_code, 77);
      EXPECT_THAT(ended.log, HasSubstr("clear-pin-latch"));
    }
  }
  for (int start = 0; start < 5; ++start) EXPECT_EQ(Serve(partition_.directory()).exit_code, 77);
  EXPECT_EQ(Logins(), 1U);

  // The right PIN alone does not help: an operator must say so.
  partition_.Write("pin", good, 0400);
  EXPECT_EQ(Serve(partition_.directory()).exit_code, 77);
  EXPECT_EQ(RunHsm({"clear-pin-latch", "--dir", partition_.directory()}).exit_code, 0);
  HsmProcess process(partition_.directory());
  EXPECT_TRUE(process.Ready().ok());
  EXPECT_EQ(Logins(), 2U);
}

// A module that refuses PINs with a value of its vendor's would count them all the same.
TEST_F(PinTest, AVendorsAnswerToANewPinIsMetOnce) {
  partition_.Write("pin", "0123456789abcdef", 0400);
  partition_.Write("faults", "C_Login * return 0x80000001");
  const Ended first = Serve(partition_.directory());
  EXPECT_EQ(first.exit_code, 77);
  EXPECT_THAT(first.log, HasSubstr("CKR_0x80000001"));
  EXPECT_THAT(first.log, HasSubstr("clear-pin-latch"));
  EXPECT_EQ(Serve(partition_.directory()).exit_code, 77);
  EXPECT_EQ(Logins(), 1U);
}

// A PIN that was changed in the HSM while its file stayed the same.
TEST_F(PinTest, AnAcceptedPinThatIsRefusedLatches) {
  {
    HsmProcess process(partition_.directory());
    ASSERT_TRUE(process.Ready().ok());
  }
  // The same file, by identity, but not the PIN: pretend that it was accepted.
  partition_.Write("pin", "0123456789abcdef", 0400);
  struct stat pin{};
  ASSERT_EQ(stat(partition_.Path("pin").c_str(), &pin), 0);
  partition_.Write(
      "pin-accepted",
      absl::StrCat(pin.st_dev, ":", pin.st_ino, ":", pin.st_mtim.tv_sec, ".", pin.st_mtim.tv_nsec,
                   ":", pin.st_ctim.tv_sec, ".", pin.st_ctim.tv_nsec, ":", pin.st_size));
  EXPECT_EQ(Serve(partition_.directory()).exit_code, 77);
  EXPECT_EQ(Serve(partition_.directory()).exit_code, 77);
  EXPECT_EQ(Logins(), 2U);  // one accepted, one refused
}

// kill -9 in the middle of a login: the key file is gone and must come back,
// and a PIN that was accepted before is under no suspicion.
TEST_F(PinTest, AKillInALoginNeitherLosesThePartitionNorLatches) {
  partition_.Write("faults", "C_Login * empty-token-object");
  const Ended killed = Serve(partition_.directory());
  EXPECT_NE(killed.signal, 0);
  EXPECT_EQ(partition_.Read(absl::StrCat(partition_.TokenDirectory(), "/token.object")), "");

  partition_.Write("faults", "");
  HsmProcess process(partition_.directory());
  auto ready = process.Ready();
  ASSERT_TRUE(ready.ok()) << ready.status();
  ASSERT_EQ(ready->ready().alarms_size(), 1);
  EXPECT_THAT(ready->ready().alarms(0), HasSubstr("restored"));
  EXPECT_EQ(process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)).code(), kOk);
}

// A kill while a new PIN is tried leaves the question open: ask an operator.
TEST_F(PinTest, AKillWhileANewPinIsTriedLatches) {
  partition_.Write("pin", partition_.Read("pin"), 0400);  // same PIN, new file
  partition_.Write("faults", "C_Login * empty-token-object");
  EXPECT_NE(Serve(partition_.directory()).signal, 0);
  partition_.Write("faults", "");
  EXPECT_EQ(Serve(partition_.directory()).exit_code, 77);
}

// When both the file and its copy are gone, nothing may be made up.
TEST_F(PinTest, AnEmptyTokenObjectWithoutACopyIsRefused) {
  partition_.Write(absl::StrCat(partition_.TokenDirectory(), "/token.object"), "");
  partition_.Write("token.object.copy", "");
  const Ended ended = Serve(partition_.directory());
  EXPECT_EQ(ended.exit_code, 69);
  EXPECT_THAT(ended.log, HasSubstr("backup"));
}

// `./dev run` ends everything with Ctrl-C in one process group.
TEST(LifeTest, EndsWithItsSocketAndNotWithCtrlC) {
  const TempPartition partition;
  HsmProcess process(partition.directory());
  ASSERT_TRUE(process.Ready().ok());
  process.Kill(SIGINT);
  process.Kill(SIGHUP);
  process.Kill(SIGPIPE);
  EXPECT_EQ(process.CallOne(HealthOp()).code(), kOk);
  process.CloseSocket();
  EXPECT_EQ(process.Wait().exit_code, 0);
}

// systemctl stop during a login would otherwise damage the partition.
TEST(LifeTest, SigtermWaitsUntilReady) {
  const TempPartition partition;
  HsmProcess process(partition.directory());
  process.Kill(SIGTERM);  // most likely before main; HoldSignals comes first thing
  const absl::StatusOr<hsm::v1::ResponsePacket> ready = process.Ready();
  const Ended ended = process.Wait();
  // Either before it was a sealward-hsm at all, or after it was ready.
  EXPECT_TRUE(ended.signal == SIGTERM ? !ready.ok() : ready.ok() && ended.exit_code == 0)
      << ended.log;
}

TEST(LifeTest, SigtermEndsItBetweenPackets) {
  const TempPartition partition;
  HsmProcess process(partition.directory());
  ASSERT_TRUE(process.Ready().ok());
  EXPECT_EQ(process.CallOne(HealthOp()).code(), kOk);
  process.Kill(SIGTERM);
  EXPECT_EQ(process.Wait().exit_code, 0);
}

// A parent that dies while its processes queue for the partition must not leave
// them there: one of them would hold the next server up.
TEST(LifeTest, GoesWhenTheParentGoesWhileThePartitionIsLocked) {
  const TempPartition partition;
  const int lock = open(partition.Path("lock").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(flock(lock, LOCK_EX), 0);
  HsmProcess waiting(partition.directory());
  waiting.CloseSocket();
  EXPECT_EQ(waiting.Wait().exit_code, 0);
  close(lock);
}

TEST(UsageTest, WrongCommandLinesEndWithTwo) {
  EXPECT_EQ(RunHsm({}).exit_code, 2);
  EXPECT_EQ(RunHsm({"frobnicate"}).exit_code, 2);
  EXPECT_EQ(RunHsm({"serve", "--dir", "/nowhere"}).exit_code, 2);
  EXPECT_EQ(RunHsm({"serve", "--dir", "/nowhere", "--fd", "x"}).exit_code, 2);
  EXPECT_EQ(RunHsm({"serve", "--dir", "/nowhere", "--fd", "99"}).exit_code, 2);
  EXPECT_EQ(RunHsm({"serve", "--dir", "/nowhere", "--listen", "/tmp/x"}).exit_code, 2);
  EXPECT_EQ(RunHsm({"init"}).exit_code, 2);
  EXPECT_EQ(RunHsm({"--help"}).exit_code, 0);
}

}  // namespace
}  // namespace sealward::hsm_test
