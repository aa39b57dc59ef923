// The modelled HSM: key pairs, marks and the epoch, by the rules of
// proto/sealward/hsm/v1/hsm.proto. Every call may be repeated.
//
// Left out: several processes and what they keep of a pair (the contract tests of hsm/
// have them), profiles without marks.
#ifndef SEALWARD_TESTS_SIM_PARTITION_H_
#define SEALWARD_TESTS_SIM_PARTITION_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "tests/sim/store.h"

namespace sealward::sim {

// The process's own: a server cannot shorten it.
inline constexpr absl::Duration kLeastWindow = absl::Hours(1);

struct ModelPair {
  bool exists = false;
  bool revoked = false;                              // tombstone
  bool destroyed = false;                            // tombstone
  absl::Time destroy_time = absl::InfiniteFuture();  // mark of ScheduleDestroy

  bool WindowIsOpen(absl::Time now) const {
    return !destroyed && destroy_time != absl::InfiniteFuture() && now < destroy_time;
  }
};

class ModelPartition {
 public:
  // Each returns false if the HSM refuses.
  bool Generate(PairId id);
  bool Revoke(PairId id);
  bool ScheduleDestroy(PairId id, absl::Time due, absl::Time now);  // WINDOW_TOO_SHORT
  bool CancelDestroy(PairId id);
  bool Destroy(PairId id, absl::Time now);  // NOT_SCHEDULED, WINDOW_OPEN

  // Whether it would sign with the pair.
  bool Signs(PairId id) const;
  const ModelPair& pair(PairId id) const { return pairs_[static_cast<size_t>(id)]; }

  // The store's lineage and revision, as far as the partition knows.
  int lineage = 1;
  int64_t revision = 0;

 private:
  ModelPair& Of(PairId id) { return pairs_[static_cast<size_t>(id)]; }

  std::vector<ModelPair> pairs_ = std::vector<ModelPair>(64);
};

}  // namespace sealward::sim

#endif  // SEALWARD_TESTS_SIM_PARTITION_H_
