// Interventions in the course of a key's versions, as pure functions: what the
// versions are afterwards. Each says what it REQUIRES; callers turn what is not so
// into their errors.
#ifndef SEALWARD_SERVER_LIFECYCLE_INTERVENE_H_
#define SEALWARD_SERVER_LIFECYCLE_INTERVENE_H_

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "absl/time/time.h"
#include "server/lifecycle/course.h"

namespace sealward::lifecycle {

// A pause at a time, and all pauses between two switches together, may last this long.
inline constexpr absl::Duration kMaxPause = absl::Hours(14 * 24);
inline constexpr absl::Duration kMaxPausedInAll = absl::Hours(30 * 24);

// What happens to a key that a revocation leaves without a STANDBY.
enum class WithoutStandby {
  kRefuse,          // it signs nothing until its next version is STANDBY
  kActivateUnready  // its newest STAGED version signs now; caches without it refuse
};

// Revocation is what a revocation makes of one key.
struct Revocation {
  std::vector<VersionTimes> versions;
  std::vector<size_t> revoked;     // indices of those that it revoked: not before
  std::optional<size_t> promoted;  // signs from now on instead
  bool unready = false;            // promoted before every cache had it
  // Nothing signs now, though something did; from when on something will, as far as
  // that is planned.
  bool unserved = false;
  absl::Time served_again = absl::InfiniteFuture();
};

// Revokes versions[i] for each i in `which`, but for those REVOKED or DESTROYED.
Revocation Revoke(const KeyCourse& course, std::span<const size_t> which, WithoutStandby choice,
                  absl::Time now);

// Whether Suspend may: STAGED, STANDBY or ACTIVE.
bool CanSuspend(const VersionTimes& times, absl::Time now);
// Suspends; a switch to it that is planned is taken back, and stays due.
std::vector<VersionTimes> Suspend(const KeyCourse& course, size_t index, absl::Time now);
// Ends a suspension. REQUIRES: SUSPENDED.
std::vector<VersionTimes> Enable(const KeyCourse& course, size_t index);

// Whether ScheduleDestroy may: WITHDRAWN or REVOKED, not scheduled and not destroyed.
bool CanScheduleDestroy(const VersionTimes& times, absl::Time now);
// Schedules destruction for the end of the recovery window.
std::vector<VersionTimes> ScheduleDestroy(const KeyCourse& course, size_t index, absl::Time now);
// Whether CancelDestroy may: scheduled, and the window is not over.
bool CanCancelDestroy(const VersionTimes& times, absl::Time now);
std::vector<VersionTimes> CancelDestroy(const KeyCourse& course, size_t index, absl::Time now);

// Versions once a pause has begun: a planned switch is taken back, and stays due. The
// activation of a key that nothing signs for yet stays as planned.
std::vector<VersionTimes> Pause(const KeyCourse& course, absl::Time now);

// Versions under another cache policy or rotation policy, `next`. A longer
// propagation_time puts off versions that do not sign yet; a shorter one changes
// nothing that is promised (`cache` has EarlierPromise, course.h). A shorter
// max_signing_time brings the end of signing forward, but leaves time to make a
// successor ready, and never brings that of publication forward.
std::vector<VersionTimes> ChangePolicies(const KeyCourse& course, const CachePolicy& cache,
                                         const RotationPolicy& rotation, absl::Time now);

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_INTERVENE_H_
