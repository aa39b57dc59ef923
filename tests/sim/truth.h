// What really happened, remembered beside the store, and the invariants over it. Where
// the store forgets (an older backup) or is wrong (a mutation), this does not.
#ifndef SEALWARD_TESTS_SIM_TRUTH_H_
#define SEALWARD_TESTS_SIM_TRUTH_H_

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/breach.h"
#include "tests/sim/partition.h"
#include "tests/sim/store.h"
#include "tests/sim/validators.h"

namespace sealward::sim {

// The latest a fetch or a commit takes effect.
inline constexpr absl::Duration kLatency = absl::Seconds(59);

struct PairTruth {
  size_t key = 0;
  absl::Time published = absl::InfiniteFuture();
  absl::Time ready = absl::InfiniteFuture();     // when every cache that was promised has it
  absl::Time first_by = absl::InfiniteFuture();  // it must not begin to sign after this
  absl::Time signed_first = absl::InfiniteFuture();
  absl::Time signed_last = absl::InfinitePast();  // end of the last interval
  absl::Time sign_limit = absl::InfiniteFuture();
  absl::Time revoked = absl::InfiniteFuture();
  absl::Time destroy_from = absl::InfiniteFuture();
  PairSet beside = 0;  // those that were ever in the JWKS together with it
  bool left = false;   // it was in the JWKS, and then it was not
  absl::Time left_at = absl::InfinitePast();
  bool retired = false;  // another one took over
  bool unready = false;  // recorded: activated before every cache had it
  bool lost = false;     // known to no store since a backup was restored
};

struct KeyTruth {
  absl::Duration longest_signing = absl::ZeroDuration();
  absl::Duration longest_standby = absl::ZeroDuration();
  std::optional<PairId> signs;
  bool excused = false;  // from signing all the time
  bool by_hand = false;  // the next switch was asked for by somebody
};

class Truth {
 public:
  Truth(bool calm, Validators& validators) : calm_(calm), validators_(validators) {}

  // Looks at the world as it is at `now`; after every commit and at every boundary.
  void Observe(const Store& store, const ModelPartition& partition, bool may_sign, absl::Time now,
               absl::Duration latency);
  // Nothing changes between the last look and `until`.
  void PassTo(absl::Time until);
  // The cache promise is about to change to `next`.
  void PromiseChanges(const Store& store, const StoredIssuer& next, absl::Time now);
  void PolicyOf(size_t key, const lifecycle::RotationPolicy& policy);
  void Revoked(PairId pair, absl::Time now);
  void Destroyed(const Store& store, PairId pair, absl::Time now);
  // A backup is the store now; and later, persons have accepted that.
  void Restored(const Store& store, const ModelPartition& partition, absl::Time now);
  void Recovered(const Store& store, absl::Time now);
  // Everything has had time to come to rest.
  void Settled(const Store& store, const ModelPartition& partition, absl::Time now);

  void Break(Invariant invariant, std::string detail, absl::Time at);
  const std::optional<Breach>& breach() const { return breach_; }
  void Step() { ++step_; }

  void AddPair(PairId id, size_t key) {
    pair(id).key = key;
    used_ = id + 1;
  }
  PairTruth& pair(PairId id) { return pairs_.at(static_cast<size_t>(id)); }
  KeyTruth& key(size_t index) { return keys_.at(index); }
  bool calm() const { return calm_; }
  absl::Time TrustedUntil(const lifecycle::ValidatorProfile& profile, PairId id) const {
    return validators_.TrustedUntil(profile, id);
  }

 private:
  // Who stood beside whom in the JWKS, as far as the store remembers.
  void RecallBeside(const Store& store, absl::Time now);
  void LookAtJwks(const Store& store, absl::Time now, absl::Duration latency);
  void LookAtSigning(const Store& store, const ModelPartition& partition, size_t key,
                     absl::Time now);
  void LookAtSigner(const Store& store, size_t key, size_t version, absl::Time now);
  void FirstSignature(const Store& store, size_t key, size_t version, absl::Time now);
  void LookAtValidators(const Store& store, absl::Time now);
  void LookAtRevoked(const Store& store, absl::Time now);
  void SettledVersion(const ModelPartition& partition, const StoredKey& key, size_t version,
                      absl::Time now);
  void SettledKey(const Store& store, const ModelPartition& partition, size_t key, absl::Time now);

  const bool calm_;
  Validators& validators_;
  std::array<PairTruth, 64> pairs_;
  std::array<KeyTruth, 4> keys_;
  PairSet jwks_ = 0;
  bool served_ = false;
  PairId used_ = 0;  // pairs are numbered up to this
  int step_ = 0;
  std::optional<Breach> breach_;
};

}  // namespace sealward::sim

#endif  // SEALWARD_TESTS_SIM_TRUTH_H_
