// What was committed stays, whatever happens to the process.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/contract/store/contract.h"
#include "tests/contract/store/writer.h"

extern char** environ;

namespace sealward::store {
namespace {

TEST_P(StoreContract, ReopeningChangesNothing) {
  Put("a", "1");
  Put("b", "2");
  Delete("a");
  Reopen();
  EXPECT_EQ(Value("a"), "(none)");
  EXPECT_EQ(Value("b"), "2");
  EXPECT_EQ(ModRevision("b"), 2);
  EXPECT_EQ(*store().Revision(), 3);
  EXPECT_EQ(Put("c", "3"), 4);
}

// Writer is a process that commits as fast as it can and says how far it got.
class Writer {
 public:
  Writer(const std::string& engine, const std::string& location) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string program = CONTRACT_WRITER;
    std::string name = engine;
    std::string where = location;
    std::array<char*, 4> argv = {program.data(), name.data(), where.data(), nullptr};
    EXPECT_EQ(posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    out_ = fdopen(ends[0], "r");
  }
  ~Writer() {
    if (pid_ > 0) Kill();
    fclose(out_);
  }
  // The next transaction that it says is committed; 0 at the end.
  int64_t NextCommitted() {
    std::array<char, 32> line{};
    int64_t n = 0;
    if (fgets(line.data(), line.size(), out_) == nullptr) return 0;
    return absl::SimpleAtoi(line.data(), &n) ? n : 0;
  }
  // Kills it where it stands; the last transaction it had said was committed.
  int64_t Kill() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
    int64_t last = 0;
    while (const int64_t n = NextCommitted()) last = n;
    return last;
  }

 private:
  pid_t pid_ = -1;
  FILE* out_ = nullptr;
};

// Without it a kill could lose an acknowledged commit, or leave half of one: a key
// without its version, a switch with two signers.
TEST_P(StoreContract, KillLeavesAWholePrefixOfTheCommits) {
  store_ = nullptr;
  int64_t done_before = 0;
  for (int round = 0; round < 8; ++round) {
    Writer writer(std::string(GetParam().name), engine().Location());
    int64_t said = 0;
    for (int i = 0; i < 1 + round * 9; ++i) said = writer.NextCommitted();
    ASSERT_GT(said, done_before) << "the writer did not start";
    said = std::max(said, writer.Kill());

    Reopen();
    const int64_t last = *store().Revision();
    EXPECT_GE(last, said);
    EXPECT_LE(last, said + 1);  // the one that it had no time to say
    EXPECT_EQ(Value(kWriterCounter), absl::StrCat(last));
    for (const std::string prefix : {"a/", "b/"}) {
      const auto page = store().List(prefix, "", kMaxListLimit);
      ASSERT_TRUE(page.ok());
      ASSERT_EQ(static_cast<int64_t>(page->entries.size()), std::min(last, kWriterWindow));
      for (const Entry& entry : page->entries) {
        EXPECT_GT(entry.mod_revision, last - kWriterWindow);
        EXPECT_EQ(entry.value, WriterValue(entry.mod_revision));
      }
    }
    done_before = last;
    store_ = nullptr;
  }
}

}  // namespace
}  // namespace sealward::store
