// The fixture of the contract suite.
#ifndef SEALWARD_TESTS_CONTRACT_STORE_CONTRACT_H_
#define SEALWARD_TESTS_CONTRACT_STORE_CONTRACT_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/contract/store/engine.h"

namespace sealward::store {

// StoreContract runs each test on a fresh store of each engine.
class StoreContract : public testing::TestWithParam<EngineRow> {
 protected:
  void SetUp() override;
  // Closes the store and opens it again on the same state.
  void Reopen();

  Store& store() { return *store_; }
  Engine& engine() { return *engine_; }

  // Commits one put or delete without a condition; the revision.
  int64_t Put(const std::string& key, const std::string& value);
  int64_t Delete(const std::string& key);
  // Value of the key, or "(none)".
  std::string Value(const std::string& key);
  int64_t ModRevision(const std::string& key);
  // Keys of one page.
  std::vector<std::string> Keys(absl::string_view prefix, absl::string_view start_after = "",
                                int limit = kMaxListLimit);
  // "key=value@revision" of all events until there are none for the moment.
  static std::vector<std::string> DrainWatch(Watch& watch);

  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Store> store_;
};

}  // namespace sealward::store

#endif  // SEALWARD_TESTS_CONTRACT_STORE_CONTRACT_H_
