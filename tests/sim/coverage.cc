#include "tests/sim/coverage.h"

#include <algorithm>
#include <array>
#include <iomanip>
#include <limits>

namespace sealward::sim {
namespace {

using lifecycle::State;

template <typename Visit>
void ForEachCell(Visit visit) {
  for (int state = 0; state < kStates; ++state) {
    for (int event = 0; event < kEvents; ++event) {
      for (int failpoint = 0; failpoint < kFailpoints; ++failpoint) {
        visit(static_cast<State>(state), static_cast<Event>(event),
              static_cast<Failpoint>(failpoint));
      }
    }
  }
}

bool CanFailThere(Event event, Failpoint failpoint) {
  if (failpoint == Failpoint::kNone) return true;
  if (!Commits(event)) return false;
  const bool in_hsm = failpoint == Failpoint::kHsmFails || failpoint == Failpoint::kAnswerLost ||
                      failpoint == Failpoint::kCrashBetween;
  return CallsHsm(event) || !in_hsm;
}

}  // namespace

bool Coverage::Met(State state, Event event) const {
  for (int f = 0; f < kFailpoints; ++f) {
    if (Hits(state, event, static_cast<Failpoint>(f)) > 0) return true;
  }
  return false;
}

int64_t Coverage::Least() const {
  int64_t least = std::numeric_limits<int64_t>::max();
  ForEachCell([&](State state, Event event, Failpoint failpoint) {
    if (!CanFailThere(event, failpoint) || !Met(state, event)) return;
    least = std::min(least, Hits(state, event, failpoint));
  });
  return least;
}

bool Coverage::Print(int64_t least, std::ostream& os) const {
  os << std::left << std::setw(18) << "event" << std::setw(18) << "state" << std::right;
  for (int i = 0; i < kFailpoints; ++i) {
    os << std::setw(14) << FailpointName(static_cast<Failpoint>(i));
  }
  os << "\n";
  bool ok = true;
  int cells = 0;
  for (int e = 0; e < kEvents; ++e) {
    const auto event = static_cast<Event>(e);
    for (int s = 0; s < kStates; ++s) {
      const auto state = static_cast<State>(s);
      if (!Met(state, event)) continue;
      os << std::left << std::setw(18) << EventName(event) << std::setw(18)
         << lifecycle::StateName(state) << std::right;
      for (int f = 0; f < kFailpoints; ++f) {
        const auto failpoint = static_cast<Failpoint>(f);
        const int64_t hits = Hits(state, event, failpoint);
        const bool can = CanFailThere(event, failpoint);
        const bool good = can ? hits >= least : hits == 0;
        cells += can;
        ok = ok && good;
        if (can || hits > 0) {
          os << std::setw(13) << hits << (good ? " " : "!");
        } else {
          os << std::setw(14) << ".";
        }
      }
      os << "\n";
    }
  }
  os << cells << " cells were reached; the fewest hits of one: " << Least() << "\n";
  return ok;
}

}  // namespace sealward::sim
