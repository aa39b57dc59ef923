// Alarms of one key, from its stored times alone.
#ifndef SEALWARD_SERVER_ALARMS_KEY_ALARMS_H_
#define SEALWARD_SERVER_ALARMS_KEY_ALARMS_H_

#include <vector>

#include "absl/time/time.h"
#include "server/alarms/alarm.h"
#include "server/catalog/snapshot.h"
#include "server/lifecycle/course.h"

namespace sealward::alarms {

// How late each thing may be before somebody is told.
inline constexpr absl::Duration kAgeSlack = absl::Minutes(15);        // beyond propagation_time
inline constexpr absl::Duration kSuccessorSlack = absl::Minutes(15);  // until it has a key pair
inline constexpr absl::Duration kRotationSlack = absl::Minutes(15);
inline constexpr absl::Duration kMarkSlack = absl::Minutes(1);
inline constexpr absl::Duration kDestroySlack = absl::Hours(1);
// A key that is rotated by hand only is too old after this. The key that Storm-0558
// stole was seven years old.
inline constexpr absl::Duration kOldestByHand = absl::Hours(365 * 24);
// Before the hard end of signing, and before the end of a pause; a quarter of the whole
// where that is less.
inline constexpr absl::Duration kSignUntilNotice = absl::Hours(7 * 24);
inline constexpr absl::Duration kPauseNotice = absl::Hours(24);
// All pauses since the last switch together (of kMaxPausedInAll, intervene.h).
inline constexpr absl::Duration kPausedLong = absl::Hours(7 * 24);

// KeyTimes is when a key is looked at.
struct KeyTimes {
  absl::Time now;      // lifecycle time, which states follow from
  absl::Time running;  // the same, but it runs on while lifecycle time is frozen
};

// Adds the key's alarms to `alarms`. Pure. REQUIRES: `course` is CourseOf the key.
void AddKeyAlarms(const catalog::Key& key, const lifecycle::KeyCourse& course,
                  const KeyTimes& times, std::vector<Alarm>& alarms);

}  // namespace sealward::alarms

#endif  // SEALWARD_SERVER_ALARMS_KEY_ALARMS_H_
