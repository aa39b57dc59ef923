// Latencies of one round, kept one by one: a round has at most a few hundred
// thousand, so exact percentiles cost less than a histogram's explanation.
#ifndef SEALWARD_TESTS_BENCH_LATENCIES_H_
#define SEALWARD_TESTS_BENCH_LATENCIES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/bench/line_protocol.h"

namespace sealward::bench {

// Latencies collects durations in nanoseconds. Not thread-safe.
class Latencies {
 public:
  Latencies() { ns_.reserve(kExpected); }

  void Add(int64_t ns) { ns_.push_back(ns); }

  size_t count() const { return ns_.size(); }

  // {"p50_us":…,"p90_us":…,"p99_us":…,"p999_us":…,"max_us":…}; sorts what was
  // collected. Null if nothing was.
  Json Percentiles() {
    if (ns_.empty()) return nullptr;
    std::sort(ns_.begin(), ns_.end());
    return {{"p50_us", At(500)},
            {"p90_us", At(900)},
            {"p99_us", At(990)},
            {"p999_us", At(999)},
            {"max_us", At(1000)}};
  }

 private:
  // A round of raw signing is about this long; more grows the vector.
  static constexpr size_t kExpected = 1 << 18;

  // The smallest value that `permille` of all are not above (nearest rank).
  double At(size_t permille) const {
    const size_t rank = (ns_.size() * permille + 999) / 1000;
    return static_cast<double>(ns_[std::max<size_t>(rank, 1) - 1]) / 1000.0;
  }

  std::vector<int64_t> ns_;
};

}  // namespace sealward::bench

#endif  // SEALWARD_TESTS_BENCH_LATENCIES_H_
