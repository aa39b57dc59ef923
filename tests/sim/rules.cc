#include "tests/sim/rules.h"

#include <algorithm>
#include <utility>

namespace sealward::sim {

using lifecycle::CachePolicy;
using lifecycle::KeyCourse;
using lifecycle::State;
using lifecycle::StateAt;
using lifecycle::VersionTimes;

namespace {
constexpr absl::Time kNever = absl::InfiniteFuture();
}

void Rules::BreakEnds(VersionTimes& times) const {
  if (Broken(Mutation::kNoHardEnd)) times.sign_until = times.publish_until = kNever;
  if (Broken(Mutation::kNoPublishUntil)) times.publish_until = kNever;
}

lifecycle::Step Rules::PlanStep(KeyCourse course, absl::Time now) const {
  if (Broken(Mutation::kPauseIgnored)) course.pause.reset();
  if (Broken(Mutation::kRoomIgnored)) course.jwks_room = 100;
  lifecycle::Step step = lifecycle::PlanStep(course, now);
  if (Broken(Mutation::kNoSuccessor) && course.versions.size() > 1) step.add_successor = false;
  if (Broken(Mutation::kUnmarkForgotten)) step.unmark_destroy.reset();
  if (Broken(Mutation::kTombstoneForgotten)) step.mark_revoked.reset();
  for (size_t i = 0; i < course.versions.size(); ++i) {
    if (StateAt(course.versions[i], now) != State::kStandby) continue;
    if (Broken(Mutation::kWithdrawStandby) && course.versions[i].activate == kNever) {
      step.withdraw = i;
    }
    if (Broken(Mutation::kRotateAtOnce) && !step.rotate) {
      step.rotate = lifecycle::PlanRotation(course, now);
      if (step.rotate && step.rotate->already_planned) step.rotate.reset();
    }
  }
  return step;
}

VersionTimes Rules::TimesOfNewVersion(const KeyCourse& course, size_t index, absl::Time now) const {
  VersionTimes times = lifecycle::TimesOfNewVersion(course, index, now);
  if (Broken(Mutation::kActivateAtPublish)) {
    times.standby = now;
    if (times.activate != kNever) times.activate = now;
  }
  if (Broken(Mutation::kStandbyNeverExpires)) times.activate_by = kNever;
  if (times.activate != kNever) BreakEnds(times);
  return times;
}

Rules::Versions Rules::Switched(const KeyCourse& course, const lifecycle::Switch& planned,
                                absl::Time now) const {
  Versions versions = planned.versions;
  BreakEnds(versions[planned.successor]);
  for (size_t i = 0; i < versions.size(); ++i) {
    if (versions[i].retire == course.versions[i].retire) continue;
    if (Broken(Mutation::kWithdrawWithoutRetention)) versions[i].withdraw = versions[i].retire;
    if (Broken(Mutation::kPredecessorSigns)) versions[i] = course.versions[i];
    if (Broken(Mutation::kRetireEarly)) versions[i].retire = now;
    if (Broken(Mutation::kHardEndPutOffBySwitch)) {
      versions[i].sign_until = versions[i].publish_until = kNever;
    }
  }
  return versions;
}

lifecycle::Revocation Rules::Revoke(const KeyCourse& course, std::span<const size_t> which,
                                    lifecycle::WithoutStandby choice, absl::Time now) const {
  using lifecycle::WithoutStandby;
  const bool silently =
      Broken(Mutation::kPromoteUnreadySilently) && choice == WithoutStandby::kRefuse;
  lifecycle::Revocation result =
      lifecycle::Revoke(course, which, silently ? WithoutStandby::kActivateUnready : choice, now);
  if (silently && result.promoted) result.versions[*result.promoted].unready = false;
  for (const size_t i : result.revoked) {
    VersionTimes& times = result.versions[i];
    if (Broken(Mutation::kFreshIgnored)) times.fresh_after = absl::InfinitePast();
    if (Broken(Mutation::kRevokedStaysPublished)) {
      times.revoke = kNever;
      times.sign_until = std::min(times.sign_until, now);
    }
  }
  if (result.promoted) {
    if (Broken(Mutation::kRevokeWithoutPromotion)) {
      result.versions[*result.promoted] = course.versions[*result.promoted];
    }
    BreakEnds(result.versions[*result.promoted]);
    for (size_t i = 0; i < course.versions.size(); ++i) {
      const bool planned = lifecycle::WillSign(course.versions[i], now);
      if (Broken(Mutation::kPromotionKeepsSwitch) && planned && i != *result.promoted &&
          result.versions[i].revoke == kNever) {
        result.versions[i] = course.versions[i];
      }
    }
  }
  return result;
}

Rules::Versions Rules::Suspend(const KeyCourse& course, size_t index, absl::Time now) const {
  if (!Broken(Mutation::kNoUnplanOnSuspend)) return lifecycle::Suspend(course, index, now);
  Versions versions = course.versions;
  versions[index].suspend = now;
  return versions;
}

Rules::Versions Rules::Enable(const KeyCourse& course, size_t index) const {
  Versions versions = lifecycle::Enable(course, index);
  if (Broken(Mutation::kEnableRevives)) {
    for (VersionTimes& times : versions) times.withdraw = times.revoke = kNever;
  }
  return versions;
}

Rules::Versions Rules::ScheduleDestroy(const KeyCourse& course, size_t index,
                                       absl::Time now) const {
  Versions versions = lifecycle::ScheduleDestroy(course, index, now);
  if (Broken(Mutation::kDestroyEarly)) {
    versions[index].destroy_due = now + course.rotation.recovery_window / 2;
  }
  return versions;
}

Rules::Versions Rules::CancelDestroy(const KeyCourse& course, size_t index, absl::Time now) const {
  if (Broken(Mutation::kCancelIgnored)) return course.versions;
  return lifecycle::CancelDestroy(course, index, now);
}

Rules::Versions Rules::Pause(const KeyCourse& course, absl::Time now) const {
  if (Broken(Mutation::kPauseKeepsSwitch)) return course.versions;
  return lifecycle::Pause(course, now);
}

Rules::Versions Rules::ChangePolicies(const KeyCourse& course, const CachePolicy& cache,
                                      const lifecycle::RotationPolicy& rotation,
                                      absl::Time now) const {
  if (Broken(Mutation::kRaiseIgnored)) {
    return lifecycle::ChangePolicies(course, course.cache, rotation, now);
  }
  Versions versions = lifecycle::ChangePolicies(course, cache, rotation, now);
  if (Broken(Mutation::kPublishUntilShortened)) {
    for (size_t i = 0; i < versions.size(); ++i) {
      if (versions[i].sign_until != course.versions[i].sign_until) {
        versions[i].publish_until = versions[i].sign_until;
      }
    }
  }
  return versions;
}

absl::Time Rules::EarlierPromise(const CachePolicy& from, absl::Duration to, absl::Time now) const {
  if (Broken(Mutation::kEarlierPromiseForgotten)) return absl::InfinitePast();
  return lifecycle::EarlierPromise(from, to, now);
}

}  // namespace sealward::sim
