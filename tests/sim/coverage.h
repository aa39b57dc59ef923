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
  // Whether the event ever met the state.
  bool Met(lifecycle::State state, Event event) const;
  // The fewest hits of a cell whose event met its state.
  int64_t Least() const;
  // A row for each event and each state that it met: hits by failpoint. False if one of
  // those has fewer than `least`.
  bool Print(int64_t least, std::ostream& os) const;

 private:
  std::array<std::array<std::array<int64_t, kFailpoints>, kEvents>, kStates> hits_{};
};

}  // namespace sealward::sim

#endif  // SEALWARD_TESTS_SIM_COVERAGE_H_
