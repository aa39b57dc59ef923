// One simulated life of an issuer's keys, from a seed. Time goes from one boundary to the
// next: state changes and moments just beside them, wakes of a driver that may be late,
// requests of operators, outages, frozen clocks.
//
// Left out, and where it is proved instead:
// - Several servers, leases, conflicting commits: there is one server, so every commit
//   meets what it was decided on (tests of the driver and of server/store).
// - Several sealward-hsm processes, and what they keep of a key pair after it was to be
//   forgotten; HSMs without marks; what a PKCS#11 call does (contract tests of hsm/, the
//   crash and outage tests).
// - Several tenants, issuers and partitions: nothing of the lifecycle is shared between
//   issuers. One issuer has one or two keys; foreign keys only take room in the JWKS.
// - The arithmetic of the lifecycle clock: a step freezes the driver, nothing more, and
//   the HSM's clock is the server's (tests of the clock).
// - A signature in flight while its key's state changes: signing is looked at in
//   instants, and kRetireSafety is taken for granted.
// - The commit of which the partition was not told before a backup was restored: nobody
//   can tell then (what the issuance log's witness is for).
// - Approvals, roles, request ids, validation of requests: operators ask for what they
//   may, and the same thing twice is two requests (tests of server/api).
// - The ends of quarantine: adopt and purge. Key pairs that no store knows are only
//   remembered as lost.
// - Pauses in all (kMaxPausedInAll): only the longest single one is kept to.
// - Alarms, and validators that break their own promise (validators.h).
// - Quantities: a JWKS is bounded more tightly than any profile's, a world ends before
//   it has 60 key pairs, times are whole seconds but for what stands beside a boundary.
#ifndef SEALWARD_TESTS_SIM_WORLD_H_
#define SEALWARD_TESTS_SIM_WORLD_H_

#include <cstdint>
#include <optional>
#include <ostream>
#include <vector>

#include "tests/sim/server.h"

namespace sealward::sim {

// A driver that is no later than this, and a start no slower, excuse nothing.
inline constexpr absl::Duration kPunctual = absl::Seconds(20);

class World {
 public:
  World(uint64_t seed, Mutation broken, Coverage& coverage, bool trace = false,
        std::optional<Rewind> rewind = std::nullopt);

  // Lives until something breaks, `steps` instants have passed, or the world is full;
  // then lets everything come to rest and looks once more.
  std::optional<Breach> Live(int steps);
  // Every version with its times, for people.
  void Print(std::ostream& os) const;

 private:
  void Instant();
  void GoOnOtherwise();
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
  const std::optional<Rewind> rewind_;
};

}  // namespace sealward::sim

#endif  // SEALWARD_TESTS_SIM_WORLD_H_
