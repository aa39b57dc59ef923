#include "server/api/pause_rules.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/api/issuer_rules.h"
#include "server/catalog/mutations.h"
#include "server/lifecycle/intervene.h"

namespace sealward::api {
namespace {

absl::Status Invalid(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "PAUSE_INVALID", what);
}

absl::Time LastSwitch(const lifecycle::KeyCourse& course, absl::Time now) {
  const auto current = lifecycle::CurrentVersion(course, now);
  return current ? course.versions[*current].activate : absl::InfinitePast();
}

// When the version that signs is replaced at the latest; InfiniteFuture where there is
// none or it has no hard end.
absl::Time LastMoment(const lifecycle::KeyCourse& course, absl::Time now) {
  const auto current = lifecycle::CurrentVersion(course, now);
  return current ? course.versions[*current].sign_until - course.cache.margins.switch_lead
                 : absl::InfiniteFuture();
}

std::string DateText(absl::Time time) {
  return absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone());
}

}  // namespace

absl::Duration PausedSoFar(const catalog::Key& key, const lifecycle::KeyCourse& course,
                           absl::Time now) {
  if (!key.pause) return absl::ZeroDuration();
  const absl::Time switched = LastSwitch(course, now);
  const lifecycle::PauseTimes& last = key.pause->times;
  const absl::Duration own = std::min(last.expire, now) - std::max(last.start, switched);
  // Pauses before one that the switch came into, or came after, are before the switch.
  const absl::Duration before = last.start >= switched ? key.paused : absl::ZeroDuration();
  return before + std::max(own, absl::ZeroDuration());
}

absl::StatusOr<catalog::Key> WithPause(const catalog::Key& seen, const lifecycle::KeyCourse& course,
                                       const v1::PauseKeyRequest& request, absl::string_view owner,
                                       absl::Time now) {
  const auto duration = ParseSeconds(request.duration(), absl::Seconds(1), lifecycle::kMaxPause);
  if (!request.has_duration() || !duration) {
    return Invalid(
        "duration: a pause needs an end: whole seconds, from 1 s to 14 days; it can be renewed");
  }
  if (request.reason().empty() || request.reason().size() > kMaxPauseReasonBytes) {
    return Invalid("reason must have 1 to 256 bytes: say why, for whoever finds the key paused");
  }
  const absl::Duration so_far = PausedSoFar(seen, course, now);
  if (so_far + *duration > lifecycle::kMaxPausedInAll) {
    const absl::Duration left = lifecycle::kMaxPausedInAll - so_far;
    return Invalid(absl::StrCat(
        seen.name, " was paused for ", absl::FormatDuration(absl::Trunc(so_far, absl::Seconds(1))),
        " since its last switch; of 30 days, ",
        absl::FormatDuration(absl::Trunc(std::max(left, absl::ZeroDuration()), absl::Seconds(1))),
        " are left: pause for less, or let it rotate"));
  }
  const absl::Time last_moment = LastMoment(course, now);
  if (now + *duration > last_moment) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "PAUSE_PASSES_SIGN_UNTIL",
        absl::StrCat(seen.name, " has to switch by ", DateText(last_moment),
                     ", because its version must not sign longer: pause until before that, or "
                     "rotate it first"));
  }
  catalog::Key next = catalog::WithTimes(seen, lifecycle::Pause(course, now));
  next.paused = so_far;
  next.pause = catalog::Pause{std::string(owner), request.reason(), {now, now + *duration}};
  return next;
}

catalog::Key WithoutPause(const catalog::Key& seen, absl::Time now) {
  catalog::Key next = seen;
  if (next.pause && next.pause->times.expire > now) next.pause->times.expire = now;
  return next;
}

}  // namespace sealward::api
