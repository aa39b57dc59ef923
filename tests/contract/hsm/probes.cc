#include "tests/contract/hsm/probes.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/measures.h"

namespace sealward::hsm_test {
namespace {

constexpr int kMayNotRead = 99;
constexpr size_t kLookBelowStack = 96 * 1024;
// What the frames between the burn and the wait for work may hold.
constexpr size_t kOwnFrames = 4096;
constexpr int kResidueBytes = 64;

std::string ReadProc(pid_t pid, absl::string_view name) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/", name), std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

std::string ReadMemory(int fd, uint64_t from, uint64_t to) {
  std::string bytes(to - from, '\0');
  const ssize_t got = pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(from));
  bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return bytes;
}

int CountIn(const std::string& bytes, const std::string& needle) {
  int count = 0;
  for (size_t at = bytes.find(needle); at != std::string::npos; at = bytes.find(needle, at + 1)) {
    ++count;
  }
  return count;
}

int CountInProcess(pid_t pid, const std::string& needle) {
  const int memory = open(absl::StrCat("/proc/", pid, "/mem").c_str(), O_RDONLY | O_CLOEXEC);
  std::istringstream maps(ReadProc(pid, "maps"));
  if (memory < 0) return kMayNotRead;
  int count = 0;
  for (std::string line; std::getline(maps, line);) {
    unsigned long from = 0;
    unsigned long to = 0;
    char readable = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %c", &from, &to, &readable) != 3) continue;
    if (readable == 'r' && !absl::StrContains(line, "[v")) {
      count += CountIn(ReadMemory(memory, from, to), needle);
    }
  }
  return std::min(count, kMayNotRead - 1);
}

// The bytes below the stack pointer of a process that waits in a system call which are
// not zero, in hundreds; proc(5), /proc/pid/syscall.
int StackResidue(pid_t pid) {
  const std::string call = ReadProc(pid, "syscall");
  const size_t at = call.rfind(" 0x", call.rfind(" 0x") - 1);
  if (at == std::string::npos) return kMayNotRead;
  const uint64_t pointer = std::strtoull(call.c_str() + at + 1, nullptr, 16);
  const int memory = open(absl::StrCat("/proc/", pid, "/mem").c_str(), O_RDONLY | O_CLOEXEC);
  const std::string bytes =
      memory < 0 ? "" : ReadMemory(memory, pointer - kLookBelowStack, pointer - kOwnFrames);
  if (bytes.empty()) return kMayNotRead;
  const auto dirty = std::ranges::count_if(bytes, [](char byte) { return byte != 0; });
  return std::min(static_cast<int>(dirty / kResidueBytes), kMayNotRead - 1);
}

bool BecomeUser(uid_t uid) {
  return geteuid() != 0 || (setgroups(0, nullptr) == 0 && setresgid(uid, uid, uid) == 0 &&
                            setresuid(uid, uid, uid) == 0);
}

bool IsRootsProcFile(pid_t pid) {
  struct stat file{};
  return stat(absl::StrCat("/proc/", pid, "/environ").c_str(), &file) == 0 && file.st_uid == 0;
}

const Probe kProbes[] = {
    // As root the test has a group that the process must not keep.
    {"drop-groups", "", [](Subject& s) { return s.process().StatusLine("Groups").empty(); }},
    {"core-limit", "",
     [](Subject& s) {
       const std::string limits = ReadProc(s.process().pid(), "limits");
       const size_t line = limits.find("Max core file size");
       std::istringstream words(limits.substr(line + 18));
       std::string soft, hard;
       words >> soft >> hard;
       return soft == "1" && hard == "1";
     }},
    {"not-dumpable", "", [](Subject& s) { return IsRootsProcFile(s.process().pid()); }},
    // The kernel takes a filter only from a process that has it.
    {"no-new-privs", "sandbox",
     [](Subject& s) { return s.process().StatusLine("NoNewPrivs") == "1"; }},
    {"sandbox", "", [](Subject& s) { return s.process().StatusLine("Seccomp") == "2"; }},
    {"stack-burn", "not-dumpable", [](Subject& s) { return s.AsItsUser(StackResidue) == 0; }},
    {"wipe-on-free", "not-dumpable", [](Subject& s) { return s.ForgetsTheMarker(); }},
    {"immediate-bind", "not-dumpable",
     [](Subject& s) {
       return s.AsItsUser([](pid_t pid) {
         return absl::StrContains(ReadProc(pid, "environ"), "LD_BIND_NOW=1") ? 0 : 1;
       }) == 0;
     }},
    // Where the test may not raise the limit, the process says what it cannot do.
    {"memory-lock", "",
     [](Subject& s) {
       const long locked = std::atol(s.process().StatusLine("VmLck").c_str());
       return locked > std::atol(s.process().StatusLine("VmRSS").c_str()) / 2 ||
              absl::StrContains(s.process().Log(), "only the PIN's page is locked");
     }},
};

}  // namespace

Subject::Subject(const std::string& without) {
  setenv(kWithoutVariable, without.c_str(), /*overwrite=*/1);
  process_ = std::make_unique<HsmProcess>(partition_.directory());
  unsetenv(kWithoutVariable);
  struct stat owner{};
  if (!process_->Ready().ok() || stat(partition_.directory().c_str(), &owner) != 0) return;
  uid_ = owner.st_uid;
  const auto made = process_->CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256));
  const auto sign = SignOp(Ref(Id(1)), SigningInputFor(made.public_key()));
  // The answer is sent before the process waits for the next packet.
  serves_ = process_->CallOne(sign).has_signature();
  for (int tries = 0; serves_ && tries < 1000; ++tries) {
    if (absl::StrContains(process_->StatusLine("State"), "sleeping")) return;
  }
}

int Subject::AsItsUser(const std::function<int(pid_t)>& look) const {
  const pid_t child = fork();
  if (child == 0) _exit(BecomeUser(uid_) ? look(process_->pid()) : kMayNotRead);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : kMayNotRead;
}

int Subject::Count(const std::string& needle) const {
  const int count = AsItsUser([&](pid_t pid) { return CountInProcess(pid, needle); });
  return count == kMayNotRead ? -1 : count;
}

// Requests that name the marker, and one after them that takes the place of their packet:
// what is left of them is in memory that was freed.
bool Subject::ForgetsTheMarker() {
  std::vector<hsm::v1::Operation> operations;
  operations.reserve(kMaxOperationsPerPacket);
  for (int i = 0; i < kMaxOperationsPerPacket; ++i) {
    operations.push_back(GetOp(Ref(Id(9), absl::StrCat("tenants/", kMarker, "/keys/k", i))));
  }
  if (!process_->Call(operations).ok()) return false;
  process_->CallOne(SignOp(Ref(Id(9)), std::string(8192, 'x')));
  return Count(kMarker) == 0;
}

std::span<const Probe> AllProbes() { return kProbes; }

}  // namespace sealward::hsm_test
