// The pure functions of server/lifecycle as the simulated server calls them: unchanged,
// or with one broken rule.
#ifndef SEALWARD_TESTS_SIM_RULES_H_
#define SEALWARD_TESTS_SIM_RULES_H_

#include <span>
#include <vector>

#include "server/lifecycle/intervene.h"
#include "server/lifecycle/plan.h"
#include "tests/sim/mutations.h"

namespace sealward::sim {

class Rules {
 public:
  using Versions = std::vector<lifecycle::VersionTimes>;

  explicit Rules(Mutation broken) : broken_(broken) {}

  bool Broken(Mutation mutation) const { return broken_ == mutation; }

  lifecycle::Step PlanStep(lifecycle::KeyCourse course, absl::Time now) const;
  lifecycle::VersionTimes TimesOfNewVersion(const lifecycle::KeyCourse& course, size_t index,
                                            absl::Time now) const;
  // The versions after a switch that PlanRotation planned.
  Versions Switched(const lifecycle::KeyCourse& course, const lifecycle::Switch& planned,
                    absl::Time now) const;
  lifecycle::Revocation Revoke(const lifecycle::KeyCourse& course, std::span<const size_t> which,
                               lifecycle::WithoutStandby choice, absl::Time now) const;
  Versions Suspend(const lifecycle::KeyCourse& course, size_t index, absl::Time now) const;
  Versions Enable(const lifecycle::KeyCourse& course, size_t index) const;
  Versions ScheduleDestroy(const lifecycle::KeyCourse& course, size_t index, absl::Time now) const;
  Versions CancelDestroy(const lifecycle::KeyCourse& course, size_t index, absl::Time now) const;
  Versions Pause(const lifecycle::KeyCourse& course, absl::Time now) const;
  Versions ChangePolicies(const lifecycle::KeyCourse& course, const lifecycle::CachePolicy& cache,
                          const lifecycle::RotationPolicy& rotation, absl::Time now) const;
  absl::Time EarlierPromise(const lifecycle::CachePolicy& from, absl::Duration to,
                            absl::Time now) const;

 private:
  void BreakEnds(lifecycle::VersionTimes& times) const;

  const Mutation broken_;
};

}  // namespace sealward::sim

#endif  // SEALWARD_TESTS_SIM_RULES_H_
