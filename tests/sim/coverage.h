// How often which event met which state, and where it was cut short.
#ifndef SEALWARD_TESTS_SIM_COVERAGE_H_
#define SEALWARD_TESTS_SIM_COVERAGE_H_

#include <array>
#include <cstdint>
#include <ostream>

#include "server/lifecycle/state.h"
#include "tests/sim/events.h"

namespace sealward::sim {

inline constexpr int kStates = 10;

class Coverage {
 public:
  void Hit(lifecycle::State state, Event event, Failpoint failpoint) {
    ++hits_[static_cast<size_t>(state)][static_cast<size_t>(event)][static_cast<size_t>(failpoint)];
  }
  int64_t Hits(lifecycle::State state, Event event, Failpoint failpoint) const {
    return hits_[static_cast<size_t>(state)][static_cast<size_t>(event)]
                [static_cast<size_t>(failpoint)];
  }
  // The fewest hits of a cell that can be reached.
  int64_t Least() const;
  // A row for each event and state: hits by failpoint; then why the others cannot be
  // reached. False if a cell that can be reached has fewer than `least` hits, or one
  // that cannot has any.
  bool Print(int64_t least, std::ostream& os) const;

 private:
  std::array<std::array<std::array<int64_t, kFailpoints>, kEvents>, kStates> hits_{};
};

// Why no version can be in `state` when `event` happens to it; empty if one can.
absl::string_view WhyNot(Event event, lifecycle::State state);

}  // namespace sealward::sim

#endif  // SEALWARD_TESTS_SIM_COVERAGE_H_
