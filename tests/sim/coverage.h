// How often which event met which state, where it was cut short, and in which worlds.
//
// What is met seldom is met again by rewinding: a world is played from its seed up to
// just before that, uncounted, and goes on with other random numbers. So a rare cell
// costs half a world, not thousands, and each of its hits has a course of its own.
#ifndef SEALWARD_TESTS_SIM_COVERAGE_H_
#define SEALWARD_TESTS_SIM_COVERAGE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <ostream>
#include <vector>

#include "tests/sim/cells.h"
#include "tests/sim/random.h"

namespace sealward::sim {

// The world with this seed, up to `step`; from there on with random numbers from `again`
// and an aim.
struct Rewind {
  uint64_t world = 0;
  int step = 0;
  uint64_t again = 0;
  Aim aim;
};

class Coverage {
 public:
  // A world begins. With `remember`, it may be rewound to what it meets.
  void Begin(uint64_t world, bool remember);
  void AtStep(int step) { step_ = step; }
  // Hits count from here on, or do not.
  void Count(bool counts) { counts_ = counts; }

  void Hit(Subject subject, Event event, Failpoint failpoint);
  int64_t Hits(Subject subject, Event event, Failpoint failpoint) const {
    return hits_[static_cast<size_t>(subject)][static_cast<size_t>(event)]
                [static_cast<size_t>(failpoint)];
  }
  // A row for each event and each state: hits by failpoint. "!" marks a cell with fewer
  // than `least`, and one that cannot be reached (cells.h) but was. False if there is one.
  bool Print(int64_t least, std::ostream& os) const;
  // To a cell with fewer hits than `least`: every other time that with the fewest. nullopt
  // if there is none that was met at all.
  std::optional<Rewind> ToRare(int64_t least, Random& random) const;

 private:
  struct Place {
    uint64_t world;
    int step;
  };

  const std::vector<Place>& PlacesOf(const Aim& row) const {
    return places_[static_cast<size_t>(row.subject)][static_cast<size_t>(row.event)];
  }

  bool counts_ = true;
  bool remembers_ = false;
  uint64_t world_ = 0;
  int step_ = 0;
  std::array<std::array<std::array<int64_t, kFailpoints>, kEvents>, kSubjects> hits_{};
  std::array<std::array<std::vector<Place>, kEvents>, kSubjects> places_;
};

}  // namespace sealward::sim

#endif  // SEALWARD_TESTS_SIM_COVERAGE_H_
