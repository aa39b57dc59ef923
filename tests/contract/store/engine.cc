#include "tests/contract/store/engine.h"

#include <stdlib.h>

#include <array>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/store/sqlite_store.h"

namespace sealward::store {
namespace {

class SqliteEngine final : public Engine {
 public:
  // Owns `directory` if `temporary`.
  SqliteEngine(std::string directory, bool temporary)
      : directory_(std::move(directory)), temporary_(temporary) {}
  ~SqliteEngine() override {
    std::error_code ignored;
    if (temporary_) std::filesystem::remove_all(directory_, ignored);
  }

  static std::unique_ptr<Engine> Fresh() {
    std::string pattern = (std::filesystem::temp_directory_path() / "store.XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) return nullptr;
    return std::make_unique<SqliteEngine>(pattern, true);
  }
  static std::unique_ptr<Engine> At(const std::string& location) {
    return std::make_unique<SqliteEngine>(location, false);
  }

  absl::StatusOr<std::unique_ptr<Store>> Open() override {
    const std::string path = absl::StrCat(directory_, "/store.db");
    const auto mode =
        std::filesystem::exists(path) ? SqliteStore::Mode::kExisting : SqliteStore::Mode::kCreate;
    SqliteOptions options;
    options.kept_revisions = kKeptRevisionsInTests;
    return SqliteStore::Open(path, mode, &clock_, options);
  }
  std::string Location() const override { return directory_; }
  fakes::ManualClock& clock() override { return clock_; }

 private:
  const std::string directory_;
  const bool temporary_;
  fakes::ManualClock clock_;
};

constexpr std::array kEngines = {
    EngineRow{"sqlite", SqliteEngine::Fresh, SqliteEngine::At},
};

}  // namespace

std::span<const EngineRow> AllEngines() { return kEngines; }

}  // namespace sealward::store
