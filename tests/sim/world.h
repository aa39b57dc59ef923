// One simulated life of an issuer's keys, from a seed. Time goes from one boundary to the
// next: state changes and moments just beside them, wakes of a driver that may be late,
// requests of operators, outages, frozen clocks.
//
// Left out: the arithmetic of the lifecycle clock (a step only freezes the driver), and
// several issuers, partitions and servers.
#ifndef SEALWARD_TESTS_SIM_WORLD_H_
#define SEALWARD_TESTS_SIM_WORLD_H_

#include <cstdint>
#include <optional>
#include <ostream>
#include <vector>

#include "tests/sim/server.h"

namespace sealward::sim {

class World {
 public:
  World(uint64_t seed, Mutation broken, Coverage& coverage, bool trace = false);

  // Lives until something breaks, `steps` instants have passed, or the world is full;
  // then lets everything come to rest and looks once more.
  std::optional<Breach> Live(int steps);
  // Every version with its times, for people.
  void Print(std::ostream& os) const;

 private:
  void Instant();
  absl::Time NextInstant() const;
  void PassTo(absl::Time until);
  void RunDrivers();
  void RunDriver(size_t key);
  absl::Duration Lateness();
  void OperateIfDue();
  void SomethingHappens();
  void TakeAim();
  void TellDrivers();
  // Whether the partition knows the store's revision.
  bool IsNoted() const {
    return site_.partition.revision == site_.store.revision && !site_.hsm_down;
  }
  Event AnyRequest(size_t key);
  void BackUp();
  void Keep();
  bool HasPending(const Store& store) const;
  const Store& AnyBackup();
  const Store* Forgetful() const;
  absl::Time NextOperation();
  void EndTroubles();
  void Excuse();
  void EndExcuses();
  void Settle();

  Random random_;
  Rules rules_;
  Coverage& coverage_;
  Site site_;
  Validators validators_;
  Truth truth_;
  Server server_;
  absl::Time now_;
  std::vector<absl::Time> driver_at_;
  std::vector<absl::Time> late_until_;
  absl::Time operator_at_;
  absl::Time outage_end_ = absl::InfinitePast();
  absl::Time frozen_until_ = absl::InfinitePast();
  absl::Duration clock_offset_;
  std::vector<Store> backups_;
  // What the world's seed has more of than others, so that every cell is met.
  const bool busy_;   // requests of operators
  int shots_ = 20;    // at the aim
  bool of_restores_;  // restored backups, and what they have forgotten
};

}  // namespace sealward::sim

#endif  // SEALWARD_TESTS_SIM_WORLD_H_
