// What a server finds where its store should be, and what it says about it.
#include "server/store/sqlite_open.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "tests/unit/store/sqlite_store_fixture.h"

namespace sealward::store {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// The error must have the code and reason, and name the store.
void ExpectRefused(const absl::Status& status, absl::StatusCode code, const std::string& reason,
                   const std::string& path, const std::string& says) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_EQ(ErrorReason(status), reason);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(path), HasSubstr(says)));
}

TEST_F(SqliteStoreTest, CreatesFileForItsOwnerOnly) {
  MakeStore();
  struct stat info{};
  ASSERT_EQ(stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  const std::string directory = std::filesystem::path(path()).parent_path();
  ASSERT_EQ(stat(directory.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
  const auto store = Open();
  ASSERT_TRUE(store.ok());
  for (const char* beside : {"-wal", "-shm", ".lock"}) {
    ASSERT_EQ(stat((path() + beside).c_str(), &info), 0) << beside;
    EXPECT_EQ(info.st_mode & 0077, 0U) << beside;
  }
}

// A commit that returned is on the disk, not in a cache that a power cut empties.
TEST_F(SqliteStoreTest, UsesAWriteAheadLog) {
  MakeStore();
  SQLite::Database db(path(), SQLite::OPEN_READONLY);
  EXPECT_EQ(db.execAndGet("PRAGMA journal_mode").getString(), "wal");
  EXPECT_EQ(db.execAndGet("PRAGMA application_id").getInt(), kApplicationId);
  EXPECT_EQ(db.execAndGet("PRAGMA user_version").getInt(), kSchemaVersion);
}

// init on a store in use would otherwise hand a running service to a new admin.
TEST_F(SqliteStoreTest, CreateRefusesAStoreWithContents) {
  MakeStore();
  ExpectRefused(Create().status(), absl::StatusCode::kAlreadyExists, "STORE_EXISTS", path(),
                "exists already");
  EXPECT_EQ((**(*Open())->Get("a")).value, "1");
}

// A creation that was cut short must not need a hand to clean up.
TEST_F(SqliteStoreTest, CreateResumesWhereNothingWasWritten) {
  WriteFile("");
  EXPECT_TRUE(Create().ok());
  EXPECT_TRUE(Create().ok());
  MakeStore();
}

TEST_F(SqliteStoreTest, MissingStoreIsNotMade) {
  ExpectRefused(Open().status(), absl::StatusCode::kNotFound, "STORE_NOT_FOUND", path(), "init");
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(path()).parent_path()));
}

// An old server on a new store would misread what it writes over.
TEST_F(SqliteStoreTest, RefusesANewerSchema) {
  MakeStore();
  Sql("PRAGMA user_version = 2");
  ExpectRefused(Open().status(), absl::StatusCode::kFailedPrecondition, "STORE_SCHEMA_NEWER",
                path(), "has schema 2, this server knows 1: upgrade the server");
  Sql("PRAGMA user_version = 0");
  ExpectRefused(Open().status(), absl::StatusCode::kDataLoss, "STORE_CORRUPT", path(), "schema 0");
}

TEST_F(SqliteStoreTest, RefusesAnotherProgramsDatabase) {
  MakeStore();
  Sql("PRAGMA application_id = 7");
  ExpectRefused(Open().status(), absl::StatusCode::kFailedPrecondition, "STORE_FOREIGN", path(),
                "another program");
}

TEST_F(SqliteStoreTest, RefusesWhatIsNoDatabase) {
  for (const std::string& bytes :
       {std::string("hello"), std::string(100'000, 'x'), std::string("SQLite format 3\0", 16)}) {
    WriteFile(bytes);
    ExpectRefused(Open().status(), absl::StatusCode::kDataLoss, "STORE_CORRUPT", path(), "corrupt");
    ExpectRefused(Create().status(), absl::StatusCode::kDataLoss, "STORE_CORRUPT", path(),
                  "corrupt");
    EXPECT_EQ(ReadFile(), bytes);
  }
}

// An empty file is what is left of a store that was cut off; serving it would be amnesia.
TEST_F(SqliteStoreTest, RefusesAnEmptyFile) {
  WriteFile("");
  ExpectRefused(Open().status(), absl::StatusCode::kDataLoss, "STORE_CORRUPT", path(), "empty");
}

// Damage must be found at start and said, not served.
TEST_F(SqliteStoreTest, RefusesDamagedPages) {
  {
    const auto store = Create();
    ASSERT_TRUE(store.ok());
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE((*store)->Commit({{}, {{absl::StrCat("k", i), std::string(500, 'v')}}}).ok());
    }
  }
  const std::string whole = ReadFile();
  ASSERT_GT(whole.size(), 40'000U);
  std::string damaged = whole;
  for (size_t i = 8192; i < 32'768; ++i) damaged[i] = static_cast<char>(i * 7);
  WriteFile(damaged);
  ExpectRefused(Open().status(), absl::StatusCode::kDataLoss, "STORE_CORRUPT", path(), "backup");
  WriteFile(whole.substr(0, whole.size() / 2));
  ExpectRefused(Open().status(), absl::StatusCode::kDataLoss, "STORE_CORRUPT", path(), "backup");
  WriteFile(whole);
  EXPECT_TRUE(Open().ok());
}

TEST_F(SqliteStoreTest, RefusesADirectory) {
  std::filesystem::create_directories(path());
  ExpectRefused(Open().status(), absl::StatusCode::kFailedPrecondition, "STORE_UNREADABLE", path(),
                "regular file");
}

// A link could point the server at a file that is not its own.
TEST_F(SqliteStoreTest, RefusesASymbolicLink) {
  MakeStore();
  const std::string real = path() + ".real";
  std::filesystem::rename(path(), real);
  std::filesystem::create_symlink(real, path());
  EXPECT_EQ(ErrorReason(Open().status()), "STORE_UNREADABLE");
}

// Run in a child, because root may read everything: it becomes an ordinary user first.
TEST_F(SqliteStoreTest, RefusesAFileThatItMayNotRead) {
  MakeStore();
  ASSERT_EQ(chmod(path().c_str(), 0), 0);
  const std::string directory = std::filesystem::path(path()).parent_path();
  ASSERT_EQ(chmod(directory.c_str(), 0777), 0);
  ASSERT_EQ(chmod(std::filesystem::path(directory).parent_path().c_str(), 0755), 0);
  ASSERT_EQ(unlink((path() + ".lock").c_str()), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) _exit(10);
    const absl::Status status = Open().status();
    const bool right = status.code() == absl::StatusCode::kPermissionDenied &&
                       ErrorReason(status) == "STORE_UNREADABLE";
    _exit(right ? 0 : 11);
  }
  int result = 0;
  ASSERT_EQ(waitpid(child, &result, 0), child);
  EXPECT_TRUE(WIFEXITED(result));
  EXPECT_EQ(WEXITSTATUS(result), 0);
}

// Two servers on one store would each plan rotations that the other does not see.
TEST_F(SqliteStoreTest, SecondOpenerIsToldWhoHasIt) {
  auto first = Create();
  ASSERT_TRUE(first.ok());
  const std::string holder = absl::StrCat("process ", getpid());
  ExpectRefused(Open().status(), absl::StatusCode::kFailedPrecondition, "STORE_LOCKED", path(),
                holder);
  ExpectRefused(Create().status(), absl::StatusCode::kFailedPrecondition, "STORE_LOCKED", path(),
                holder);
  EXPECT_TRUE((*first)->Commit({{}, {{"a", "1"}}}).ok());
  *first = nullptr;
  EXPECT_TRUE(Open().ok());
}

// SQLite reads names that start with "file:" as URIs, with options in them.
TEST_F(SqliteStoreTest, PathIsNeverAUri) {
  const std::string before = std::filesystem::current_path();
  std::filesystem::create_directories(std::filesystem::path(path()).parent_path());
  std::filesystem::current_path(std::filesystem::path(path()).parent_path());
  SystemClock clock;
  const auto store = SqliteStore::Open("file:x?mode=memory", SqliteStore::Mode::kCreate, &clock);
  EXPECT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE(std::filesystem::exists("file:x?mode=memory"));
  std::filesystem::current_path(before);
}

}  // namespace
}  // namespace sealward::store
