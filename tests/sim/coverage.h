// How often which event met which state, and where it was cut short.
#ifndef SEALWARD_TESTS_SIM_COVERAGE_H_
#define SEALWARD_TESTS_SIM_COVERAGE_H_

#include <array>
#include <cstdint>
#include <ostream>

#include "tests/sim/cells.h"

namespace sealward::sim {

class Coverage {
 public:
  void Hit(Subject subject, Event event, Failpoint failpoint) {
    ++hits_[static_cast<size_t>(subject)][static_cast<size_t>(event)]
           [static_cast<size_t>(failpoint)];
  }
  int64_t Hits(Subject subject, Event event, Failpoint failpoint) const {
    return hits_[static_cast<size_t>(subject)][static_cast<size_t>(event)]
                [static_cast<size_t>(failpoint)];
  }
  // A row for each event and each state: hits by failpoint. "!" marks a cell with fewer
  // than `least`, and one that cannot be reached (cells.h) but was. False if there is one.
  bool Print(int64_t least, std::ostream& os) const;

 private:
  std::array<std::array<std::array<int64_t, kFailpoints>, kEvents>, kSubjects> hits_{};
};

}  // namespace sealward::sim

#endif  // SEALWARD_TESTS_SIM_COVERAGE_H_
