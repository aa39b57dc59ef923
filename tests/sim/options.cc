#include "tests/sim/options.h"

#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

#include "absl/strings/numbers.h"

namespace sealward::sim {

Options Parse(int argc, char** argv) {
  Options options;
  options.seed = (uint64_t{std::random_device()()} << 16U) & 0xffff'ffff'ffffU;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--trace") {
      options.trace = true;
      continue;
    }
    if (name == "--mutations") {
      options.mutations = true;
      continue;
    }
    const std::string value = ++i < argc ? argv[i] : "";
    uint64_t number = 0;
    bool ok = absl::SimpleAtoi(value, &number);
    if (name == "--seed") {
      options.seed = number;
    } else if (name == "--world") {
      options.world = number;
    } else if (name == "--rewind") {
      if (!options.rewind) options.rewind.emplace();
      options.rewind->step = static_cast<int>(number);
    } else if (name == "--again") {
      if (!options.rewind) options.rewind.emplace();
      options.rewind->again = number;
    } else if (name == "--aim") {
      if (!options.rewind) options.rewind.emplace();
      options.rewind->aim = {static_cast<Event>(number / kSubjects),
                             static_cast<Subject>(number % kSubjects)};
      ok = ok && number < kEvents * kSubjects;
    } else if (name == "--seconds") {
      options.seconds = static_cast<int>(number);
    } else if (name == "--least") {
      options.least = static_cast<int64_t>(number);
    } else if (name == "--steps") {
      options.steps = static_cast<int>(number);
    } else if (name == "--worlds") {
      options.worlds = static_cast<int>(number);
    } else if (name == "--mutation") {
      ok = false;
      for (int m = 0; m < kMutations; ++m) {
        if (MutationName(static_cast<Mutation>(m)) != value) continue;
        options.mutation = static_cast<Mutation>(m);
        ok = true;
      }
    } else {
      ok = false;
    }
    if (ok) continue;
    std::cerr << "sealward_sim: cannot use '" << name << " " << value << "'\n";
    std::exit(2);
  }
  return options;
}

}  // namespace sealward::sim
