// Short ways to ask the planner about versions without a rotation policy or a pause.
#ifndef SEALWARD_TESTS_UNIT_LIFECYCLE_COURSE_H_
#define SEALWARD_TESTS_UNIT_LIFECYCLE_COURSE_H_

#include <optional>
#include <utility>
#include <vector>

#include "server/lifecycle/plan.h"

namespace sealward::lifecycle {

inline KeyCourse Course(std::vector<VersionTimes> versions, const CachePolicy& cache = {}) {
  KeyCourse course;
  course.cache = cache;
  course.versions = std::move(versions);
  return course;
}

inline std::optional<Switch> PlanRotation(std::vector<VersionTimes> versions,
                                          const CachePolicy& cache, absl::Time now) {
  return PlanRotation(Course(std::move(versions), cache), now);
}

inline Step PlanStep(std::vector<VersionTimes> versions, absl::Time now) {
  return PlanStep(Course(std::move(versions)), now);
}

// Of a key's first version, or of a successor of one that signs.
inline VersionTimes TimesOfNewVersion(const CachePolicy& cache, bool first, absl::Time now) {
  const absl::Time before = now - absl::Hours(1);
  if (first) return TimesOfNewVersion(Course({VersionTimes{}}, cache), 0, now);
  return TimesOfNewVersion(Course({{before, before, before}, VersionTimes{}}, cache), 1, now);
}

}  // namespace sealward::lifecycle

#endif  // SEALWARD_TESTS_UNIT_LIFECYCLE_COURSE_H_
