// What the program is asked for; main.cc says what the words mean.
#ifndef SEALWARD_TESTS_SIM_OPTIONS_H_
#define SEALWARD_TESTS_SIM_OPTIONS_H_

#include <cstdint>
#include <optional>

#include "tests/sim/coverage.h"
#include "tests/sim/mutations.h"

namespace sealward::sim {

struct Options {
  uint64_t seed = 0;
  std::optional<uint64_t> world;
  std::optional<Rewind> rewind;
  int seconds = 5;
  int64_t least = 1;
  int steps = 250;
  int worlds = 0;  // no limit; of --mutations 20,000
  Mutation mutation = Mutation::kNone;
  bool mutations = false;
  bool trace = false;
};

// Ends the process on what it does not know.
Options Parse(int argc, char** argv);

}  // namespace sealward::sim

#endif  // SEALWARD_TESTS_SIM_OPTIONS_H_
