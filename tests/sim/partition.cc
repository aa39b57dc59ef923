#include "tests/sim/partition.h"

#include <algorithm>

namespace sealward::sim {

bool ModelPartition::Generate(PairId id) {
  ModelPair& pair = Of(id);
  if (pair.revoked || pair.destroyed) return false;
  pair.exists = true;
  return true;
}

bool ModelPartition::Revoke(PairId id) {
  Of(id).revoked = true;
  return true;
}

bool ModelPartition::ScheduleDestroy(PairId id, absl::Time due, absl::Time now) {
  ModelPair& pair = Of(id);
  if (pair.destroy_time != absl::InfiniteFuture() && due <= pair.destroy_time) return true;
  if (due < now + kLeastWindow) return false;
  pair.destroy_time = due;
  return true;
}

bool ModelPartition::CancelDestroy(PairId id) {
  if (Of(id).destroyed) return false;
  Of(id).destroy_time = absl::InfiniteFuture();
  return true;
}

bool ModelPartition::Destroy(PairId id, absl::Time now) {
  ModelPair& pair = Of(id);
  if (pair.destroyed) return true;
  if (now < pair.destroy_time) return false;
  pair.exists = false;
  pair.destroyed = true;
  return true;
}

bool ModelPartition::Signs(PairId id) const {
  const ModelPair& it = pair(id);
  return it.exists && !it.revoked && it.destroy_time == absl::InfiniteFuture();
}

}  // namespace sealward::sim
