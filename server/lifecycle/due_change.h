// What is due about a key that needs the store only, as a change; and how urgent it is.
#ifndef SEALWARD_SERVER_LIFECYCLE_DUE_CHANGE_H_
#define SEALWARD_SERVER_LIFECYCLE_DUE_CHANGE_H_

#include <optional>

#include "absl/time/time.h"
#include "server/catalog/snapshot.h"
#include "server/lifecycle/plan.h"

namespace sealward::lifecycle {

// `key` with everything done that `step` finds due and that asks nothing of the HSM: a
// switch, a withdrawal, a destruction to be scheduled; a pause that is over becomes part
// of Key.paused, and what it counts from before the last switch is dropped. nullopt if
// nothing is due. REQUIRES: `course` is the key's, and `step` is PlanStep of it. Pure.
std::optional<catalog::Key> DueChange(const catalog::Key& key, const KeyCourse& course,
                                      const Step& step, absl::Time now);

// Whether anything of `step` needs the HSM.
bool NeedsHsm(const Step& step);

// Since when the most urgent thing about the key has been due, and after `now` when
// something will be. What a revocation asks for, and a key that nothing signs for, come
// before everything else: InfinitePast. Pure.
absl::Time DueSince(const catalog::Key& key, const KeyCourse& course, absl::Time now);

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_DUE_CHANGE_H_
