// A key's life as the driver would lead it, driven by random operations.
#ifndef SEALWARD_TESTS_UNIT_LIFECYCLE_HISTORY_H_
#define SEALWARD_TESTS_UNIT_LIFECYCLE_HISTORY_H_

#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/lifecycle/plan.h"
#include "server/lifecycle/state.h"
#include "tests/unit/lifecycle/course.h"

namespace sealward::lifecycle {

// Action is what happens to a key between two moments.
enum class Action { kWait, kRunDriver, kBreakHsm, kMendHsm, kRotate };

// History is a key that started with one PENDING version. It only does what the
// planner says; what it becomes must hold every promise whatever the order of
// events was.
class History {
 public:
  History(const CachePolicy& policy, absl::Time start) : policy_(policy), now_(start) {}

  // Waits `seconds`, then does `action`.
  void Do(Action action, int seconds);

  const CachePolicy& policy() const { return policy_; }
  const std::vector<VersionTimes>& versions() const { return versions_; }
  absl::Time now() const { return now_; }
  // Every time that is stored, and its neighbours one second away.
  std::vector<absl::Time> Moments() const;

 private:
  void RunDriver();
  void Rotate();

  const CachePolicy policy_;
  absl::Time now_;
  bool hsm_works_ = true;
  std::vector<VersionTimes> versions_ = {VersionTimes{}};
};

// Random histories: a policy and up to 60 actions, printable and shrinkable.
struct Script {
  int propagation_s = 0;
  int lifetime_s = 0;
  bool never_published = false;
  std::vector<std::pair<int, int>> actions;  // Action as int, seconds to wait

  History Play() const;
};

}  // namespace sealward::lifecycle

#endif  // SEALWARD_TESTS_UNIT_LIFECYCLE_HISTORY_H_
