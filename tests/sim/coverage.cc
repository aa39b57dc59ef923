#include "tests/sim/coverage.h"

#include <algorithm>
#include <iomanip>
#include <limits>

namespace sealward::sim {
namespace {

// Of each row.
constexpr size_t kMostPlaces = 500;

void PrintHead(std::ostream& os) {
  os << std::left << std::setw(18) << "event" << std::setw(18) << "state" << std::right;
  for (int i = 0; i < kFailpoints; ++i) {
    os << std::setw(14) << FailpointName(static_cast<Failpoint>(i));
  }
  os << "\n";
}

}  // namespace

void Coverage::Begin(uint64_t world, bool remember) {
  world_ = world;
  remembers_ = remember;
  step_ = 0;
  counts_ = true;
}

void Coverage::Hit(Subject subject, Event event, Failpoint failpoint) {
  if (!counts_) return;
  const auto s = static_cast<size_t>(subject);
  const auto e = static_cast<size_t>(event);
  ++hits_[s][e][static_cast<size_t>(failpoint)];
  auto& places = places_[s][e];
  if (!remembers_ || places.size() >= kMostPlaces) return;
  if (places.empty() || places.back().world != world_) places.push_back({world_, step_});
}

std::optional<Rewind> Coverage::ToRare(int64_t least, Random& random) const {
  std::vector<Aim> rare;
  Aim rarest{};
  int64_t fewest = least;
  for (int row = 0; row < kEvents * kSubjects; ++row) {
    const Aim aim = {static_cast<Event>(row / kSubjects), static_cast<Subject>(row % kSubjects)};
    if (!CanHappen(aim.event, aim.subject) || PlacesOf(aim).empty()) continue;
    for (int f = 0; f < kFailpoints; ++f) {
      const auto failpoint = static_cast<Failpoint>(f);
      const int64_t hits = Hits(aim.subject, aim.event, failpoint);
      if (!CanFailThere(aim.event, failpoint) || hits >= least) continue;
      rare.push_back(aim);
      if (hits < fewest) rarest = aim;
      fewest = std::min(fewest, hits);
    }
  }
  if (rare.empty()) return std::nullopt;
  const Aim aim = random.OneIn(2)
                      ? rarest
                      : rare[static_cast<size_t>(random.Below(static_cast<int>(rare.size())))];
  const auto& places = PlacesOf(aim);
  const auto any = [&] {
    return places[static_cast<size_t>(random.Below(static_cast<int>(places.size())))];
  };
  // The earlier, the cheaper.
  const Place place = std::min({any(), any(), any()},
                               [](const Place& a, const Place& b) { return a.step < b.step; });
  return Rewind{place.world, std::max(0, place.step - random.Below(3)), random.Next(), aim};
}

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
