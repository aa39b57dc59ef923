// KeyManager: what the plan finds due.
#include <utility>

#include "server/lifecycle/key_manager.h"

namespace sealward::lifecycle {

absl::StatusOr<absl::Time> KeyManager::Advance(absl::string_view name) {
  auto lease = leases_.Acquire(name, absl::ZeroDuration());
  if (!lease) return options_.clock->Now() + kBusyRetryDelay;
  auto found = Find(name);
  if (!found.ok()) return found.status();
  KeyPtr key = std::move(*found);
  Step step = PlanStep(Course(*key), options_.clock->Now());
  if (step.add_successor || step.generate) {
    auto made = MakeSuccessor(key, absl::InfiniteFuture());
    if (!made.ok()) return made.status();
    key = std::move(*made);
    step = PlanStep(Course(*key), options_.clock->Now());
    // Something is still due: at once.
    if (step.add_successor || step.generate) return absl::InfinitePast();
  }
  return step.wake;
}

}  // namespace sealward::lifecycle
