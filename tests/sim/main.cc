// Runs many worlds. Prints the seed, so that it can be given again, and what was met.
//
//   sealward_sim [--seed N] [--seconds S | --worlds N] [--least HITS] [--steps N]
//   sealward_sim --world N [--mutation NAME] [--steps N] [--trace]   one world again,
//                [--rewind STEP --again N --aim ROW]                with another end
//   sealward_sim --mutations [--worlds N]                            each must be found
#include <algorithm>
#include <cstdint>
#include <ctime>
#include <iostream>
#include <optional>

#include "tests/sim/options.h"
#include "tests/sim/world.h"

namespace sealward::sim {
namespace {

// Of so many worlds all but one are rewound, as long as something is rare.
constexpr uint64_t kRewoundOf = 6;
// Rewinding goes on until every cell has so many.
constexpr int64_t kEnoughHits = 1050;

// The aim's number in the table.
int RowOf(const Aim& aim) {
  return static_cast<int>(aim.event) * kSubjects + static_cast<int>(aim.subject);
}

void Report(const Breach& breach, uint64_t world, const std::optional<Rewind>& rewind) {
  std::cout << "BROKEN " << InvariantName(breach.invariant) << ": " << breach.detail << " at "
            << absl::FormatTime(absl::RFC3339_full, breach.at, absl::UTCTimeZone()) << ", step "
            << breach.step << "\nreplay: sealward_sim --trace --world " << world;
  if (rewind) {
    std::cout << " --rewind " << rewind->step << " --again " << rewind->again << " --aim "
              << RowOf(rewind->aim);
  }
  std::cout << "\n";
}

int RunOne(const Options& options) {
  Coverage coverage;
  World world(*options.world, options.mutation, coverage, options.trace, options.rewind);
  const auto breach = world.Live(options.steps);
  if (options.trace) world.Print(std::cout);
  if (!breach) {
    std::cout << "nothing broke\n";
    return 0;
  }
  Report(*breach, *options.world, options.rewind);
  return 1;
}

int RunMany(const Options& options) {
  // Of its own time, so that a busy machine changes nothing.
  const std::clock_t end = std::clock() + options.seconds * CLOCKS_PER_SEC;
  Coverage coverage;
  Random random(options.seed);
  uint64_t worlds = 0;
  uint64_t rewound = 0;
  int broken = 0;
  const auto more = [&] {
    if (options.worlds > 0) return worlds < static_cast<uint64_t>(options.worlds);
    return std::clock() < end;
  };
  for (; more() && broken < 10; ++worlds) {
    std::optional<Rewind> rewind;
    if (worlds % kRewoundOf != 0)
      rewind = coverage.ToRare(std::max(options.least, kEnoughHits), random);
    const uint64_t seed = rewind ? rewind->world : options.seed + worlds;
    World world(seed, options.mutation, coverage, false, rewind);
    rewound += rewind.has_value();
    if (const auto breach = world.Live(options.steps)) {
      Report(*breach, seed, rewind);
      ++broken;
    }
  }
  const bool complete = coverage.Print(options.least, std::cout);
  std::cout << worlds << " worlds from seed " << options.seed << " (" << rewound
            << " of them rewound), " << broken << " broken\n";
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

int Main(int argc, char** argv) {
  const Options options = Parse(argc, argv);
  if (options.world) return RunOne(options);
  std::cout << "seed " << options.seed << "\n";
  return options.mutations ? RunMutations(options) : RunMany(options);
}

}  // namespace
}  // namespace sealward::sim

int main(int argc, char** argv) { return sealward::sim::Main(argc, argv); }
