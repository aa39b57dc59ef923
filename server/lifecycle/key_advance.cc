// KeyManager: what the plan finds due. The store's part first, since nothing can delay
// that but the store; then the HSM's.
#include <algorithm>
#include <utility>
#include <vector>

#include "server/catalog/mutations.h"
#include "server/lifecycle/due_change.h"
#include "server/lifecycle/hsm_call.h"
#include "server/lifecycle/key_manager.h"
#include "server/telemetry/logging.h"

namespace sealward::lifecycle {
namespace {

using telemetry::Level;
using telemetry::Log;

void LogStep(const catalog::Key& key, const Step& step) {
  const auto number = [&key](size_t index) { return key.versions[index]->number; };
  if (step.rotate && !step.rotate->already_planned) {
    Log(Level::kInfo, "key_switch_planned",
        {{"key", key.name},
         {"successor", number(step.rotate->successor)},
         {"at", absl::FormatTime(absl::RFC3339_sec, step.rotate->at, absl::UTCTimeZone())}});
  }
  if (step.withdraw) {
    Log(Level::kInfo, "key_version_withdrawn",
        {{"key", key.name}, {"version", number(*step.withdraw)}});
  }
  if (step.schedule_destroy) {
    Log(Level::kInfo, "key_destroy_scheduled",
        {{"key", key.name}, {"version", number(*step.schedule_destroy)}});
  }
}

}  // namespace

absl::Time KeyManager::DueSince(const catalog::Key& key) const {
  return lifecycle::DueSince(key, Course(key), options_.clock->Now());
}

absl::StatusOr<absl::Time> KeyManager::Advance(absl::string_view name) {
  const auto progress = Advance(name, Means::kStoreAndHsm);
  if (!progress.ok()) return progress.status();
  return progress->needs_hsm ? progress->hsm_wake : progress->wake;
}

absl::StatusOr<Progress> KeyManager::Advance(absl::string_view name, Means means) {
  const auto lease = leases_.Acquire(name, absl::ZeroDuration());
  const absl::Time soon = options_.clock->Now() + kBusyRetryDelay;
  if (!lease) return Progress{.wake = soon};
  Progress progress;
  absl::Status status = CommitDue(name);
  if (status.ok() && means == Means::kStoreAndHsm) {
    status = ActInHsm(name, progress.hsm_wake);
  }
  // Somebody else's change came first: look at the key as it is now.
  if (absl::IsAborted(status)) return Progress{.wake = soon};
  if (!status.ok()) return status;
  const auto key = Find(name);
  if (!key.ok()) return key.status();
  const absl::Time now = options_.clock->Now();
  const KeyCourse course = Course(**key);
  const Step step = PlanStep(course, now);
  progress.needs_hsm = NeedsHsm(step);
  progress.wake = DueChange(**key, course, step, now) ? absl::InfinitePast() : step.wake;
  return progress;
}

absl::Status KeyManager::CommitDue(absl::string_view name) {
  const auto key = Find(name);
  if (!key.ok()) return key.status();
  const absl::Time now = options_.clock->Now();
  const KeyCourse course = Course(**key);
  const Step step = PlanStep(course, now);
  const auto next = DueChange(**key, course, step, now);
  if (!next) return absl::OkStatus();
  const absl::Status status = Commit(catalog::ReplaceVersions(**key, *next));
  if (status.ok()) LogStep(**key, step);
  return status;
}

// Each on its own: what cannot be done about one version keeps nothing from another.
// But an HSM that does not answer is not asked again.
absl::Status KeyManager::ActInHsm(absl::string_view name, absl::Time& wake) {
  auto key = Find(name);
  if (!key.ok()) return key.status();
  const Step step = PlanStep(Course(**key), options_.clock->Now());
  absl::Status first;
  // Whether to go on, with the key as it is then.
  const auto done = [&](const absl::Status& status) {
    if (first.ok()) first = status;
    if (IsOutage(status)) return false;
    key = Find(name);
    return key.ok();
  };
  if (step.mark_revoked && !done(MarkAllRevoked(**key))) return first;
  if (step.generate || step.add_successor) {
    if (!done(MakeSuccessor(*key, Bound::kJwks, absl::InfiniteFuture()).status())) return first;
  }
  if (step.unmark_destroy && !done(UnmarkDestroy(**key, *step.unmark_destroy))) return first;
  if (step.mark_destroy && !done(MarkDestroy(**key, *step.mark_destroy))) return first;
  if (step.destroy) done(DestroyVersion(**key, *step.destroy, wake));
  return first;
}

absl::Status KeyManager::MarkAllRevoked(const catalog::Key& key) {
  std::vector<size_t> all(key.versions.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  return MarkRevoked(key.name, all, absl::InfiniteFuture()).status();
}

}  // namespace sealward::lifecycle
