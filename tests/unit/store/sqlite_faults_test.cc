// Faults while the store is open.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "tests/unit/store/sqlite_store_fixture.h"

namespace sealward::store {
namespace {

using testing::HasSubstr;

Transaction Big(int n) {
  const std::string value(50'000, static_cast<char>('a' + n % 26));
  return {{}, {{absl::StrCat("big/", n, "/1"), value}, {absl::StrCat("big/", n, "/2"), value}}};
}

// Commits until one fails; checks that the failed one left nothing. Its number.
int FillUp(SqliteStore& store, const std::string& reason) {
  for (int n = 0; n < 1000; ++n) {
    const int64_t before = *store.Revision();
    const auto done = store.Commit(Big(n));
    if (done.ok()) continue;
    EXPECT_EQ(done.status().code(), absl::StatusCode::kUnavailable) << done.status();
    EXPECT_EQ(ErrorReason(done.status()), reason) << done.status();
    EXPECT_EQ(*store.Revision(), before);
    EXPECT_FALSE((*store.Get(absl::StrCat("big/", n, "/1"))).has_value());
    EXPECT_FALSE((*store.Get(absl::StrCat("big/", n, "/2"))).has_value());
    return n;
  }
  ADD_FAILURE() << "the store never filled up";
  return 0;
}

// A full disk must cost the commit that met it, and nothing else.
TEST_F(SqliteStoreTest, FullDiskChangesNothing) {
  MakeStore();
  int failed = 0;
  {
    auto store = Open({.kept_revisions = 1000, .max_pages = 200});
    ASSERT_TRUE(store.ok()) << store.status();
    failed = FillUp(**store, "STORE_FULL");
    ASSERT_GT(failed, 1);
    EXPECT_EQ((**(*store)->Get("a")).value, "1");
    EXPECT_EQ(ErrorReason((*store)->Commit(Big(failed)).status()), "STORE_FULL");  // still is
  }
  auto store = Open();
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(*(*store)->Revision(), failed + 1);
  EXPECT_TRUE((*store)->Commit(Big(failed)).ok());
}

// Watches must not show what did not happen.
TEST_F(SqliteStoreTest, FullDiskLeavesNoEvents) {
  auto store = Create({.kept_revisions = 1000, .max_pages = 200});
  ASSERT_TRUE(store.ok());
  const int failed = FillUp(**store, "STORE_FULL");
  auto watch = (*store)->WatchPrefix("", 0);
  ASSERT_TRUE(watch.ok());
  const auto events = (*watch)->Poll(absl::ZeroDuration());
  ASSERT_TRUE(events.ok());
  EXPECT_EQ(events->size(), static_cast<size_t>(2 * failed));
}

// A write that the system refuses (here: over the process's file size limit) is
// reported as what it is, and the store goes on when there is room again.
TEST_F(SqliteStoreTest, RefusedWriteChangesNothing) {
  auto store = Create();
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE((*store)->Commit({{}, {{"a", "1"}}}).ok());
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 300'000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const int failed = FillUp(**store, "STORE_UNAVAILABLE");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, old_handler);
  EXPECT_EQ((**(*store)->Get("a")).value, "1");
  EXPECT_TRUE((*store)->Commit(Big(failed)).ok());
  *store = nullptr;
  store = Open();
  ASSERT_TRUE(store.ok());
  EXPECT_EQ(*(*store)->Revision(), failed + 2);
}

// The log of changes must not grow with the age of the store.
TEST_F(SqliteStoreTest, CompactionKeepsTheFileSmall) {
  {
    auto store = Create({.kept_revisions = 10, .max_pages = 0});
    ASSERT_TRUE(store.ok());
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE((*store)->Commit({{}, {{"same", std::string(40'000, 'v')}}}).ok());
    }
  }
  EXPECT_LT(ReadFile().size(), 1'000'000U);
}

// A lost row of counters must not read as revision 0: etags and watches would
// repeat. Found at start, and if it goes missing under a running server.
TEST_F(SqliteStoreTest, MissingCountersAreDataLoss) {
  MakeStore();
  auto store = Open();
  ASSERT_TRUE(store.ok());
  Sql("DELETE FROM meta");
  const auto revision = (*store)->Revision();
  EXPECT_EQ(revision.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(revision.status().message()), HasSubstr(path()));
  EXPECT_EQ((*store)->Commit({{}, {{"b", "1"}}}).status().code(), absl::StatusCode::kDataLoss);
  *store = nullptr;
  EXPECT_EQ(ErrorReason(Open().status()), "STORE_CORRUPT");
}

TEST_F(SqliteStoreTest, MissingTableIsDataLoss) {
  MakeStore();
  Sql("DROP TABLE events");
  EXPECT_EQ(ErrorReason(Open().status()), "STORE_CORRUPT");
}

}  // namespace
}  // namespace sealward::store
