#include "tests/unit/store/sqlite_store_fixture.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace sealward::store {

SqliteStoreTest::SqliteStoreTest() {
  directory_ = (std::filesystem::temp_directory_path() / "sqlite.XXXXXX").string();
  EXPECT_NE(mkdtemp(directory_.data()), nullptr);
  path_ = directory_ + "/state/store.db";
}

SqliteStoreTest::~SqliteStoreTest() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

SqliteStoreTest::Opened SqliteStoreTest::Create(const SqliteOptions& options) {
  return SqliteStore::Open(path_, SqliteStore::Mode::kCreate, &clock_, options);
}

SqliteStoreTest::Opened SqliteStoreTest::Open(const SqliteOptions& options) {
  return SqliteStore::Open(path_, SqliteStore::Mode::kExisting, &clock_, options);
}

void SqliteStoreTest::MakeStore() {
  const auto store = Create();
  ASSERT_TRUE(store.ok()) << store.status();
  ASSERT_TRUE((*store)->Commit({{}, {{"a", "1"}}}).ok());
}

void SqliteStoreTest::Sql(const std::string& sql) {
  SQLite::Database db(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  db.exec(sql);
}

void SqliteStoreTest::WriteFile(const std::string& bytes) {
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path());
  std::ofstream(path_, std::ios::binary) << bytes;
}

std::string SqliteStoreTest::ReadFile() const {
  std::ifstream file(path_, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace sealward::store
