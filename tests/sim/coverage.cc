#include "tests/sim/coverage.h"

#include <algorithm>
#include <iomanip>
#include <limits>

namespace sealward::sim {
namespace {

void PrintHead(std::ostream& os) {
  os << std::left << std::setw(18) << "event" << std::setw(18) << "state" << std::right;
  for (int i = 0; i < kFailpoints; ++i) {
    os << std::setw(14) << FailpointName(static_cast<Failpoint>(i));
  }
  os << "\n";
}

}  // namespace

bool Coverage::Print(int64_t least, std::ostream& os) const {
  PrintHead(os);
  int cells = 0;
  int bad = 0;
  int64_t fewest = std::numeric_limits<int64_t>::max();
  for (int row = 0; row < kEvents * kSubjects; ++row) {
    const auto event = static_cast<Event>(row / kSubjects);
    const auto subject = static_cast<Subject>(row % kSubjects);
    const bool happens = CanHappen(event, subject);
    int64_t in_row = 0;
    for (int f = 0; f < kFailpoints; ++f) in_row += Hits(subject, event, static_cast<Failpoint>(f));
    if (!happens && in_row == 0) continue;
    os << std::left << std::setw(18) << EventName(event) << std::setw(18) << SubjectName(subject)
       << std::right;
    for (int f = 0; f < kFailpoints; ++f) {
      const auto failpoint = static_cast<Failpoint>(f);
      const int64_t hits = Hits(subject, event, failpoint);
      const bool reachable = happens && CanFailThere(event, failpoint);
      const bool good = reachable ? hits >= least : hits == 0;
      if (reachable) fewest = std::min(fewest, hits);
      cells += reachable;
      bad += !good;
      if (reachable || hits > 0) {
        os << std::setw(13) << hits << (good ? " " : "!");
      } else {
        os << std::setw(14) << ".";
      }
    }
    os << "\n";
  }
  os << cells << " reachable cells; fewest hits: " << fewest
     << "; too few, or not reachable but hit: " << bad << "\n";
  return bad == 0;
}

}  // namespace sealward::sim
