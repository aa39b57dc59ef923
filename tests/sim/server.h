// The simulated server: what the manager of server/lifecycle does, with the same order
// of steps (intent, HSM, commit, epoch), each of which can fail or be the last.
//
// Left out: leases, retries of conflicting commits, several servers. What a crash loses
// is the step under way, because nothing else lives in memory.
#ifndef SEALWARD_TESTS_SIM_SERVER_H_
#define SEALWARD_TESTS_SIM_SERVER_H_

#include <optional>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "tests/sim/coverage.h"
#include "tests/sim/partition.h"
#include "tests/sim/random.h"
#include "tests/sim/rules.h"
#include "tests/sim/store.h"
#include "tests/sim/truth.h"

namespace sealward::sim {

// Everything that a server works on.
struct Site {
  Store store;
  ModelPartition partition;
  PairId next_pair = 0;  // never handed out twice, whatever the store says
  bool hsm_down = false;
  bool rolled_back = false;  // the store is older than the partition: nothing signs
  bool calm = false;         // nothing fails
  std::optional<Aim> aim;
  int failures_in_six = 3;  // of six steps, how many fail
  bool trace = false;
};

class Server {
 public:
  // All outlive it.
  Server(const Rules& rules, Site& site, Truth& truth, Random& random, Coverage& coverage)
      : rules_(rules), site_(site), truth_(truth), random_(random), coverage_(coverage) {}

  struct Advanced {
    bool did = false;     // something was due and is done
    bool failed = false;  // something was due and is not
    absl::Time wake;      // when nothing is due before
  };
  // Does one of the things that PlanStep finds due, any of them.
  Advanced Advance(size_t key, absl::Time now);

  // An operator's request; false if it was refused or failed.
  bool Operate(Event event, size_t key, absl::Time now);
  // Counts what happens to the whole site.
  void Note(Event event, absl::Time now) {
    coverage_.Hit(SubjectOf(0, now), event, Failpoint::kNone);
  }
  // What an event about a whole key is counted under.
  Subject SubjectOf(size_t key, absl::Time now) const;
  // Whether the aim could be met now, if somebody asked for it.
  bool CanAim(size_t key, absl::Time now) const;
  // A key with its first intent.
  void CreateKey(StoredKey key, absl::Time now);
  // Puts `backup` in the store's place, starts anew, and asks the partition.
  void Restore(const Store& backup, absl::Time now);
  // Two persons accept the store as it is.
  void Recover(absl::Time now);

 private:
  using Versions = Rules::Versions;
  using Hsm = absl::FunctionRef<bool()>;
  using Commit = absl::FunctionRef<void(Store&)>;

  lifecycle::KeyCourse Course(size_t key, absl::Time now) const;
  Subject SubjectOf(size_t key, size_t version, absl::Time now) const {
    return SubjectIn(lifecycle::StateAt(site_.store.keys[key].versions[version], now));
  }
  Failpoint AnyFailpoint(Event event, Subject subject);
  bool Do(Event event, Subject subject, absl::Time now, Hsm hsm, Commit commit);
  bool DoVersions(Event event, size_t key, Subject subject, absl::Time now,
                  const Versions& versions);
  bool IsAim(Event event, Subject subject) const {
    return site_.aim && site_.aim->event == event && site_.aim->subject == subject;
  }
  size_t AnyVersion(Event event, size_t key, absl::Time now);
  bool DoDue(Event event, size_t key, const lifecycle::Step& step, absl::Time now);
  bool Generate(size_t key, size_t version, absl::Time now);
  bool Mark(Event event, size_t key, size_t version, absl::Time now);
  bool Destroy(size_t key, size_t version, absl::Time now);
  bool Schedule(Event event, size_t key, size_t version, absl::Time now);
  bool Revoke(Event event, size_t key, absl::Time now);
  bool ChangeRotation(size_t key, absl::Time now);
  bool ChangePromise(Event event, absl::Time now);
  bool RotateByHand(size_t key, absl::Time now);
  bool PauseKey(size_t key, absl::Time now);
  void TakeTombstones(absl::Time now);
  void CheckTrust(std::span<const PairId> revoked, absl::Time now);
  void Observe(absl::Time now);

  const Rules& rules_;
  Site& site_;
  Truth& truth_;
  Random& random_;
  Coverage& coverage_;
};

// A rotation policy that CheckPolicy accepts; nullopt if none was found.
std::optional<lifecycle::RotationPolicy> AnyPolicy(const lifecycle::CachePolicy& cache,
                                                   int max_jwks_keys, Random& random);
// Any profile with any max-age.
StoredIssuer AnyIssuer(Random& random);

}  // namespace sealward::sim

#endif  // SEALWARD_TESTS_SIM_SERVER_H_
