// One key's versions for tests: a policy of 30 days, caches of 20 minutes, JWTs of an hour.
#ifndef SEALWARD_TESTS_UNIT_LIFECYCLE_MOMENTS_H_
#define SEALWARD_TESTS_UNIT_LIFECYCLE_MOMENTS_H_

#include <utility>
#include <vector>

#include "server/lifecycle/course.h"
#include "server/lifecycle/policy.h"

namespace sealward::lifecycle {

inline constexpr absl::Time kNever = absl::InfiniteFuture();
inline constexpr absl::Duration kDay = absl::Hours(24);
inline constexpr absl::Duration kPropagation = absl::Minutes(20);
inline constexpr absl::Duration kPeriod = absl::Hours(30 * 24);
inline const CachePolicy kCache = {kPropagation, absl::Hours(1), false};
inline const absl::Duration kRetention = RetentionTime(kCache);
inline const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

inline RotationPolicy Monthly() {
  RotationPolicy policy;
  policy.rotation_period = kPeriod;
  policy.max_signing_time = policy.max_standby_time = absl::ZeroDuration();
  return WithDefaults(policy);
}

inline KeyCourse Monthly(std::vector<VersionTimes> versions) {
  KeyCourse course;
  course.cache = kCache;
  course.rotation = Monthly();
  course.versions = std::move(versions);
  return course;
}

inline VersionTimes Waiting(absl::Time publish) {
  VersionTimes times;
  times.publish = publish;
  times.standby = publish + kPropagation;
  times.activate_by = times.standby + Monthly().max_standby_time;
  return times;
}
inline VersionTimes Staged() { return Waiting(kNow - kPropagation / 2); }
inline VersionTimes Standby() { return Waiting(kNow - kDay); }

inline VersionTimes Signing(absl::Time since) {
  VersionTimes times = Waiting(since - kPropagation);
  Activate(Monthly({}), since, times);
  return times;
}

inline VersionTimes Retired(absl::Time retire) {
  VersionTimes times = Signing(retire - kPeriod);
  times.retire = retire;
  times.withdraw = retire + kRetention;
  return times;
}
inline VersionTimes Withdrawn() { return Retired(kNow - kDay); }

}  // namespace sealward::lifecycle

#endif  // SEALWARD_TESTS_UNIT_LIFECYCLE_MOMENTS_H_
