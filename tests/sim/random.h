// Random numbers that a seed repeats on every machine (splitmix64).
#ifndef SEALWARD_TESTS_SIM_RANDOM_H_
#define SEALWARD_TESTS_SIM_RANDOM_H_

#include <cstdint>

#include "absl/time/time.h"

namespace sealward::sim {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  // From 0 to n - 1. REQUIRES: n > 0.
  int Below(int n) { return static_cast<int>(Next() % static_cast<uint64_t>(n)); }
  bool OneIn(int n) { return Below(n) == 0; }
  // Whole seconds from nothing to `most`.
  absl::Duration UpTo(absl::Duration most) {
    return absl::Seconds(Next() % static_cast<uint64_t>(absl::ToInt64Seconds(most) + 1));
  }

 private:
  uint64_t state_;
};

}  // namespace sealward::sim

#endif  // SEALWARD_TESTS_SIM_RANDOM_H_
