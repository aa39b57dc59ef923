// Runs many worlds. Prints the seed, so that it can be given again, and what was met.
//
//   sealward_sim [--seed N] [--seconds S | --worlds N] [--least HITS] [--steps N]
//   sealward_sim --world N [--mutation NAME] [--steps N] [--trace]   one world again
//   sealward_sim --mutations [--worlds N]                            each must be found
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>
#include <string>

#include "absl/strings/numbers.h"
#include "tests/sim/world.h"

namespace sealward::sim {
namespace {

struct Options {
  uint64_t seed = 0;
  std::optional<uint64_t> world;
  int seconds = 5;
  int64_t least = 1;
  int steps = 250;
  int worlds = 0;  // no limit; of --mutations 20,000
  Mutation mutation = Mutation::kNone;
  bool mutations = false;
  bool trace = false;
};

void Report(const Breach& breach, uint64_t world) {
  std::cout << "BROKEN " << InvariantName(breach.invariant) << ": " << breach.detail << " at "
            << absl::FormatTime(absl::RFC3339_full, breach.at, absl::UTCTimeZone()) << ", step "
            << breach.step << "\nreplay: sealward_sim --trace --world " << world << "\n";
}

int RunOne(const Options& options) {
  Coverage coverage;
  World world(*options.world, options.mutation, coverage, options.trace);
  const auto breach = world.Live(options.steps);
  if (options.trace) world.Print(std::cout);
  if (!breach) {
    std::cout << "nothing broke\n";
    return 0;
  }
  Report(*breach, *options.world);
  return 1;
}

int RunMany(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  const auto end = start + std::chrono::seconds(options.seconds);
  Coverage coverage;
  uint64_t worlds = 0;
  int broken = 0;
  const auto more = [&] {
    if (options.worlds > 0) return worlds < static_cast<uint64_t>(options.worlds);
    return std::chrono::steady_clock::now() < end;
  };
  for (; more() && broken < 10; ++worlds) {
    const uint64_t seed = options.seed + worlds;
    World world(seed, options.mutation, coverage);
    if (const auto breach = world.Live(options.steps)) {
      Report(*breach, seed);
      ++broken;
    }
  }
  const bool complete = coverage.Print(options.least, std::cout);
  std::cout << worlds << " worlds from seed " << options.seed << ", " << broken << " broken\n";
  if (!complete) std::cout << "a cell has too few hits, or some that it cannot have (!)\n";
  return broken == 0 && complete ? 0 : 1;
}

// The first world in which it shows.
bool Find(const Options& options, Mutation mutation) {
  Coverage coverage;
  const int worlds = options.worlds > 0 ? options.worlds : 20'000;
  for (int i = 0; i < worlds; ++i) {
    World world(options.seed + static_cast<uint64_t>(i), mutation, coverage);
    if (const auto breach = world.Live(options.steps)) {
      // The control: it is the mutation that breaks this world.
      World whole(options.seed + static_cast<uint64_t>(i), Mutation::kNone, coverage);
      if (whole.Live(options.steps)) continue;
      std::cout << MutationName(mutation) << ": " << InvariantName(breach->invariant)
                << " in world " << i + 1 << ", step " << breach->step << "\n";
      return true;
    }
  }
  std::cout << MutationName(mutation) << ": NOT FOUND in " << worlds << " worlds\n";
  return false;
}

int RunMutations(const Options& options) {
  int missed = 0;
  for (int i = 1; i < kMutations; ++i) missed += !Find(options, static_cast<Mutation>(i));
  std::cout << kMutations - 1 - missed << " of " << kMutations - 1 << " mutations found; seed "
            << options.seed << "\n";
  return missed == 0 ? 0 : 1;
}

// Ends the process on what it does not know.
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

int Main(int argc, char** argv) {
  const Options options = Parse(argc, argv);
  if (options.world) return RunOne(options);
  std::cout << "seed " << options.seed << "\n";
  return options.mutations ? RunMutations(options) : RunMany(options);
}

}  // namespace
}  // namespace sealward::sim

int main(int argc, char** argv) { return sealward::sim::Main(argc, argv); }
