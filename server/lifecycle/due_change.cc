#include "server/lifecycle/due_change.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "server/catalog/mutations.h"
#include "server/lifecycle/intervene.h"

namespace sealward::lifecycle {
namespace {

// When the version that signs, or should, began to: a pause counts from there.
absl::Time LastSwitch(const KeyCourse& course, absl::Time now) {
  const std::optional<size_t> current = CurrentVersion(course, now);
  return current ? course.versions[*current].activate : absl::InfinitePast();
}

// Pauses cannot have lasted longer since the last switch than that is ago.
absl::Duration CountedPause(const catalog::Key& key, absl::Time last_switch, absl::Time now) {
  absl::Duration paused = key.paused;
  if (key.pause && key.pause->times.expire <= now) {
    const absl::Time from = std::max(key.pause->times.start, last_switch);
    paused += std::max(absl::ZeroDuration(), key.pause->times.expire - from);
  }
  return std::min(paused, std::max(absl::ZeroDuration(), now - last_switch));
}

bool IsPauseToCount(const catalog::Key& key, const KeyCourse& course, absl::Time now) {
  if (key.pause && key.pause->times.expire <= now) return true;
  return key.paused > absl::ZeroDuration() && now - LastSwitch(course, now) < key.paused;
}

bool IsRevocationsWork(const KeyCourse& course, const Step& step, absl::Time now) {
  if (step.mark_revoked) return true;
  const bool signs_soon = step.rotate || step.generate || step.add_successor;
  if (!signs_soon) return false;
  if (RotationDue(course, now) == absl::InfinitePast()) return true;
  const std::optional<size_t> current = CurrentVersion(course, now);
  return current && course.versions[*current].fresh_after != absl::InfinitePast();
}

}  // namespace

std::optional<catalog::Key> DueChange(const catalog::Key& key, const KeyCourse& course,
                                      const Step& step, absl::Time now) {
  KeyCourse next = course;
  const bool switches = step.rotate && !step.rotate->already_planned;
  if (switches) next.versions = step.rotate->versions;
  if (step.withdraw) next.versions[*step.withdraw].withdraw = now;
  if (step.schedule_destroy) {
    next.versions = ScheduleDestroy(next, *step.schedule_destroy, now);
  }
  const bool pauses = IsPauseToCount(key, next, now);
  if (!switches && !step.withdraw && !step.schedule_destroy && !pauses) return std::nullopt;
  catalog::Key changed = catalog::WithTimes(key, next.versions);
  if (pauses) {
    changed.paused = CountedPause(key, LastSwitch(next, now), now);
    if (key.pause && key.pause->times.expire <= now) changed.pause.reset();
  }
  return changed;
}

bool NeedsHsm(const Step& step) {
  return step.generate || step.add_successor || step.mark_revoked || step.mark_destroy ||
         step.unmark_destroy || step.destroy;
}

absl::Time DueSince(const catalog::Key& key, const KeyCourse& course, absl::Time now) {
  const Step step = PlanStep(course, now);
  if (IsRevocationsWork(course, step, now)) return absl::InfinitePast();
  absl::Time since = IsPauseToCount(key, course, now) || !step.IsIdle() ? now : step.wake;
  if (step.rotate) since = std::min(since, RotationDue(course, now));
  if (step.withdraw) since = std::min(since, course.versions[*step.withdraw].activate_by);
  if (step.destroy) since = std::min(since, course.versions[*step.destroy].destroy_due);
  return since;
}

}  // namespace sealward::lifecycle
