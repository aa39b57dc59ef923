// A directory for one SQLite store and what tests do to it.
#ifndef SEALWARD_TESTS_UNIT_STORE_SQLITE_STORE_FIXTURE_H_
#define SEALWARD_TESTS_UNIT_STORE_SQLITE_STORE_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "server/store/sqlite_store.h"

namespace sealward::store {

class SqliteStoreTest : public testing::Test {
 protected:
  using Opened = absl::StatusOr<std::unique_ptr<SqliteStore>>;

  SqliteStoreTest();
  ~SqliteStoreTest() override;

  const std::string& path() const { return path_; }
  Opened Create(const SqliteOptions& options = {});
  Opened Open(const SqliteOptions& options = {});
  // Creates a store with the entry a = 1 and closes it.
  void MakeStore();
  // Runs SQL on the file, as someone else's program would.
  void Sql(const std::string& sql);
  void WriteFile(const std::string& bytes);
  std::string ReadFile() const;

 private:
  SystemClock clock_;
  std::string directory_;
  std::string path_;
};

}  // namespace sealward::store

#endif  // SEALWARD_TESTS_UNIT_STORE_SQLITE_STORE_FIXTURE_H_
