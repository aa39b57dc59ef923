// What the contract suite needs to know of an engine. A new one implements
// Engine, adds a line to kEngines and is held to the same tests.
#ifndef SEALWARD_TESTS_CONTRACT_STORE_ENGINE_H_
#define SEALWARD_TESTS_CONTRACT_STORE_ENGINE_H_

#include <cstdint>
#include <memory>
#include <ostream>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/store/store.h"
#include "tests/fakes/manual_clock.h"

namespace sealward::store {

// Revisions that an engine under test keeps for watches.
inline constexpr int64_t kKeptRevisionsInTests = 100;

// Engine is one place where state lies. Stores opened on it, one after the
// other, see the same entries.
class Engine {
 public:
  virtual ~Engine() = default;
  // Opens the state, empty the first time. At most one store is open at a time.
  virtual absl::StatusOr<std::unique_ptr<Store>> Open() = 0;
  // What opens the same state in another process: an argument of contract_writer.
  virtual std::string Location() const = 0;
  virtual fakes::ManualClock& clock() = 0;
};

// EngineRow names an engine and how to make one with fresh state, or with state
// that is somewhere already.
struct EngineRow {
  absl::string_view name;
  std::unique_ptr<Engine> (*fresh)();
  std::unique_ptr<Engine> (*at)(const std::string& location);
};

std::span<const EngineRow> AllEngines();

inline std::ostream& operator<<(std::ostream& os, const EngineRow& row) {
  return os << std::string(row.name);
}

}  // namespace sealward::store

#endif  // SEALWARD_TESTS_CONTRACT_STORE_ENGINE_H_
