// The process boundary, attacked. Each claim has a positive control: the same
// attack on a process without the hardening succeeds.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/contract/hsm/hsm_process.h"

namespace sealward::hsm_test {
namespace {

using ::testing::HasSubstr;

// Runs `attack` in a child with the user of the partition; its exit code.
int AsUser(uid_t uid, const std::function<int()>& attack) {
  const pid_t pid = fork();
  if (pid == 0) {
    if (geteuid() == 0 && (setgroups(0, nullptr) != 0 || setresgid(uid, uid, uid) != 0 ||
                           setresuid(uid, uid, uid) != 0)) {
      _exit(99);
    }
    _exit(attack());
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

int Attach(pid_t target) {
  if (ptrace(PTRACE_ATTACH, target, nullptr, nullptr) != 0) return errno;
  waitpid(target, nullptr, 0);
  ptrace(PTRACE_DETACH, target, nullptr, nullptr);
  return 0;
}

int OpenMemory(pid_t target) {
  const int fd = open(absl::StrCat("/proc/", target, "/mem").c_str(), O_RDONLY);
  return fd >= 0 ? 0 : errno;
}

// A process of the same user that nothing protects.
class Victim {
 public:
  explicit Victim(uid_t uid) {
    int ready[2];
    if (pipe(ready) != 0) abort();
    pid_ = fork();
    if (pid_ == 0) {
      if (geteuid() == 0 && (setgroups(0, nullptr) != 0 || setresgid(uid, uid, uid) != 0 ||
                             setresuid(uid, uid, uid) != 0)) {
        _exit(99);
      }
      prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
      if (write(ready[1], "x", 1) != 1) _exit(98);
      for (;;) pause();
    }
    char byte = 0;
    if (read(ready[0], &byte, 1) != 1) abort();
    close(ready[0]);
    close(ready[1]);
  }
  ~Victim() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

class HardeningTest : public ::testing::Test {
 protected:
  HardeningTest() : process_(partition_.directory()) {
    EXPECT_TRUE(process_.Ready().ok());
    struct stat owner{};
    EXPECT_EQ(stat(partition_.directory().c_str(), &owner), 0);
    uid_ = owner.st_uid;
  }

  TempPartition partition_;
  HsmProcess process_;
  uid_t uid_ = 0;
};

// A debugger or a second process of the same user would read keys and PIN.
TEST_F(HardeningTest, TheSameUserCanNeitherTraceNorReadIt) {
  const Victim victim(uid_);
  EXPECT_EQ(AsUser(uid_, [&] { return Attach(victim.pid()); }), 0) << "positive control";
  EXPECT_EQ(AsUser(uid_, [&] { return OpenMemory(victim.pid()); }), 0) << "positive control";
  EXPECT_EQ(AsUser(uid_, [&] { return Attach(process_.pid()); }), EPERM);
  EXPECT_EQ(AsUser(uid_, [&] { return OpenMemory(process_.pid()); }), EACCES);
}

// /proc gives the files of a non-dumpable process to root.
TEST_F(HardeningTest, IsNotDumpable) {
  struct stat environ{};
  ASSERT_EQ(stat(absl::StrCat("/proc/", process_.pid(), "/environ").c_str(), &environ), 0);
  EXPECT_EQ(environ.st_uid, 0U);
  EXPECT_THAT(process_.StatusLine("Uid"), ::testing::StartsWith(absl::StrCat(uid_)));
  const Victim victim(uid_);
  ASSERT_EQ(stat(absl::StrCat("/proc/", victim.pid(), "/environ").c_str(), &environ), 0);
  EXPECT_EQ(environ.st_uid, uid_) << "positive control";
}

TEST_F(HardeningTest, RunsSandboxedWithoutPrivileges) {
  EXPECT_EQ(process_.StatusLine("Seccomp"), "2");
  EXPECT_EQ(process_.StatusLine("NoNewPrivs"), "1");
  EXPECT_EQ(process_.StatusLine("CapEff"), "0000000000000000");
#ifndef SEALWARD_SANITIZED  // ThreadSanitizer has a thread of its own
  EXPECT_EQ(process_.StatusLine("Threads"), "1");
#endif
  std::ifstream limits(absl::StrCat("/proc/", process_.pid(), "/limits"));
  std::ostringstream text;
  text << limits.rdbuf();
  EXPECT_THAT(text.str(), ::testing::ContainsRegex("Max core file size +1 +1 "));
}

// ListeningProcess is a `sealward-hsm serve --listen`.
class ListeningProcess {
 public:
  ListeningProcess(const TempPartition& partition, const std::string& path, uid_t peer_uid) {
    int log[2];
    if (pipe2(log, O_CLOEXEC) != 0) abort();
    const std::string peer = absl::StrCat(peer_uid);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(log[1], STDERR_FILENO);
      execl(SEALWARD_HSM_BINARY, SEALWARD_HSM_BINARY, "serve", "--dir",
            partition.directory().c_str(), "--listen", path.c_str(), "--peer-uid", peer.c_str(),
            nullptr);
      _exit(127);
    }
    close(log[1]);
    log_ = log[0];
  }
  ~ListeningProcess() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(log_);
  }
  // Whether a line with `text` appears in its log.
  bool WaitForLog(const std::string& text) {
    char byte = 0;
    while (seen_.find(text) == std::string::npos && read(log_, &byte, 1) == 1) seen_ += byte;
    return seen_.find(text) != std::string::npos;
  }
  void Kill(int signal) const { kill(pid_, signal); }
  int Wait() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
  int log_ = -1;
  std::string seen_;
};

std::optional<PacketSocket> Connect(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  PacketSocket socket(fd);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return std::nullopt;
  return socket;
}

// Two ways to connect, one loop: a socket with a path works like an inherited one.
TEST(ListenTest, ServesTheUserItIsMeantFor) {
  const TempPartition partition;
  const TempDirectory run;
  ListeningProcess process(partition, run.Path("hsm.sock"), geteuid());
  ASSERT_TRUE(process.WaitForLog("listening"));
  std::optional<PacketSocket> socket = Connect(run.Path("hsm.sock"));
  ASSERT_TRUE(socket.has_value());
  std::string packet;
  ASSERT_TRUE(socket->Receive(packet).ok());
  hsm::v1::ResponsePacket ready;
  ASSERT_TRUE(ready.ParseFromString(packet));
  EXPECT_TRUE(ready.has_ready());
  // The server sees whose process it talks to.
  ucred credentials{};
  socklen_t size = sizeof credentials;
  ASSERT_EQ(getsockopt(socket->fd(), SOL_SOCKET, SO_PEERCRED, &credentials, &size), 0);
  struct stat owner{};
  ASSERT_EQ(stat(partition.directory().c_str(), &owner), 0);
  EXPECT_EQ(credentials.uid, owner.st_uid);
  socket.reset();
  EXPECT_EQ(process.Wait(), 0);
}

// A process that waits for a server must not hold up a shutdown.
TEST(ListenTest, SigtermEndsTheWaitingForAPeer) {
  const TempPartition partition;
  const TempDirectory run;
  ListeningProcess process(partition, run.Path("hsm.sock"), geteuid());
  ASSERT_TRUE(process.WaitForLog("listening"));
  process.Kill(SIGTERM);
  EXPECT_EQ(process.Wait(), 0);
}

// Whoever may open the path could sign, if modes were all.
TEST(ListenTest, TurnsOtherUsersAway) {
  const TempPartition partition;
  const TempDirectory run;
  ListeningProcess process(partition, run.Path("hsm.sock"), geteuid() + 1);
  ASSERT_TRUE(process.WaitForLog("listening"));
  std::optional<PacketSocket> socket = Connect(run.Path("hsm.sock"));
  ASSERT_TRUE(socket.has_value());
  EXPECT_TRUE(process.WaitForLog("refused a connection"));
  std::string packet;
  EXPECT_TRUE(absl::IsOutOfRange(socket->Receive(packet)));
}

}  // namespace
}  // namespace sealward::hsm_test
