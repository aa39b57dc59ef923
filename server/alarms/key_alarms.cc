#include "server/alarms/key_alarms.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/lifecycle/plan.h"
#include "server/lifecycle/state.h"

namespace sealward::alarms {
namespace {

using lifecycle::State;
using lifecycle::StateAt;
using lifecycle::VersionTimes;

constexpr absl::Time kNever = absl::InfiniteFuture();

std::string Text(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

// KeyLook is one look at one key.
class KeyLook {
 public:
  KeyLook(const catalog::Key& key, const lifecycle::KeyCourse& course, const KeyTimes& times,
          std::vector<Alarm>& alarms)
      : key_(key),
        course_(course),
        versions_(course.versions),
        now_(times.now),
        running_(std::max(times.now, times.running)),
        alarms_(alarms),
        signer_(lifecycle::SigningVersionAt(versions_, now_)) {}

  void Look() {
    if (!signer_) {
      LookAtSilence();
    } else {
      LookAtAge(versions_[*signer_]);
      LookAtHardEnd(versions_[*signer_]);
      LookAtSuccessors(versions_[*signer_]);
      LookAtReadiness(versions_[*signer_]);
    }
    LookAtRotation();
    LookAtPause();
    for (size_t i = 0; i < versions_.size(); ++i) LookAtEnd(i);
  }

 private:
  void Add(Kind kind, absl::Time since, std::string detail) {
    alarms_.push_back({kind, key_.name, std::move(detail), since});
  }
  void AddForVersion(Kind kind, size_t index, absl::Time since, std::string detail) {
    alarms_.push_back({kind, NameOf(index), std::move(detail), since});
  }
  std::string NameOf(size_t index) const {
    return absl::StrCat(key_.name, "/versions/", key_.versions[index]->number);
  }

  // From when on the policy, or a person, asks for a switch: pauses put nothing off.
  absl::Time WantedSwitch(const VersionTimes& signer) const {
    return std::min(signer.activate + course_.rotation.rotation_period, signer.rotate_due);
  }

  template <typename Predicate>
  bool AnyVersion(Predicate predicate) const {
    return std::ranges::any_of(versions_, predicate);
  }

  // Nothing signs: wrong, unless the key is new or is meant to have ended.
  void LookAtSilence() {
    absl::Time since = absl::InfinitePast();
    bool signed_once = false;
    bool suspended = false;
    for (const VersionTimes& times : versions_) {
      if (times.activate > now_) continue;
      signed_once = true;
      suspended |= StateAt(times, now_) == State::kSuspended;
      since = std::max(since, std::min({times.retire, times.sign_until, times.suspend, times.revoke,
                                        times.withdraw}));
    }
    if (signed_once) {
      Add(Kind::kNothingSigns, since > now_ ? absl::InfinitePast() : since,
          suspended ? "its version is suspended" : "");
      return;
    }
    const bool on_its_way =
        AnyVersion([this](const VersionTimes& times) { return lifecycle::WillSign(times, now_); });
    if (!on_its_way && key_.create_time + kSuccessorSlack <= running_) {
      Add(Kind::kNothingSigns, key_.create_time, "its first key pair was never generated");
    }
  }

  // Whether or not a driver runs, whether or not it is paused: nobody was told in 2021.
  void LookAtAge(const VersionTimes& signer) {
    const bool by_hand = course_.rotation.rotation_period == absl::InfiniteDuration();
    const absl::Duration most =
        by_hand ? kOldestByHand
                : course_.rotation.rotation_period + course_.cache.propagation_time + kAgeSlack;
    const absl::Time too_old = signer.activate + most;
    if (too_old > running_) return;
    AddForVersion(Kind::kKeyTooOld, *signer_, too_old,
                  absl::StrCat("it has signed since ", Text(signer.activate),
                               by_hand ? "; it is rotated by hand only" : ""));
  }

  void LookAtHardEnd(const VersionTimes& signer) {
    const absl::Time wanted = WantedSwitch(signer);
    const bool is_to_rotate_yet = wanted != kNever && wanted > running_;
    if (signer.sign_until == kNever || is_to_rotate_yet) return;
    const bool followed = AnyVersion([&](const VersionTimes& times) {
      return lifecycle::WillSign(times, now_) && times.activate <= signer.sign_until;
    });
    const absl::Duration notice =
        std::min(kSignUntilNotice, (signer.sign_until - signer.activate) / 4);
    if (followed || signer.sign_until - notice > running_) return;
    AddForVersion(Kind::kSignUntilNear, *signer_, signer.sign_until - notice,
                  absl::StrCat("it ends at ", Text(signer.sign_until)));
  }

  // A successor follows each switch at once, and is STANDBY propagation_time later.
  void LookAtSuccessors(const VersionTimes& signer) {
    const absl::Time late = signer.activate + kSuccessorSlack;
    const bool has_key_pair = AnyVersion([this](const VersionTimes& times) {
      return times.publish != kNever &&
             (lifecycle::CanFollow(times, now_) || lifecycle::WillSign(times, now_));
    });
    if (!has_key_pair && late <= running_) Add(Kind::kSuccessorLate, late, "");
    const absl::Time missing = late + course_.cache.propagation_time;
    const bool has_standby = AnyVersion(
        [this](const VersionTimes& times) { return StateAt(times, now_) == State::kStandby; });
    if (!has_standby && missing <= running_) Add(Kind::kStandbyMissing, missing, "");
  }

  void LookAtReadiness(const VersionTimes& signer) {
    // Its standby time was brought forward to its activation.
    const absl::Time ready = signer.publish + course_.cache.propagation_time;
    if (!signer.unready || ready <= running_) return;
    AddForVersion(Kind::kUnreadyActivation, *signer_, signer.activate,
                  absl::StrCat("every cache has it at ", Text(ready)));
  }

  void LookAtRotation() {
    const absl::Time due = lifecycle::RotationDue(course_, now_);
    if (due == absl::InfinitePast() || due == kNever || due + kRotationSlack > running_) return;
    Add(Kind::kRotationOverdue, due, absl::StrCat("due since ", Text(due)));
  }

  void LookAtPause() {
    if (!key_.pause || !lifecycle::IsPaused(course_, now_)) return;
    const lifecycle::PauseTimes& pause = key_.pause->times;
    const absl::Time notice =
        pause.expire - std::min(kPauseNotice, (pause.expire - pause.start) / 4);
    if (notice <= running_) {
      Add(Kind::kPauseAboutToLapse, notice, absl::StrCat("it ends at ", Text(pause.expire)));
    }
    const absl::Time is_long = pause.start + (kPausedLong - key_.paused);
    if (is_long <= running_) {
      Add(Kind::kKeyPausedLong, std::max(is_long, pause.start),
          absl::StrCat("paused by ", key_.pause->owner));
    }
  }

  // What is to be done in the partition about a version that has ended.
  void LookAtEnd(size_t index) {
    const VersionTimes& times = versions_[index];
    if (times.destroy != kNever) return;
    if (times.publish == kNever) return;  // there is no key pair
    if (!times.revoke_marked && times.revoke + kMarkSlack <= running_) {
      AddForVersion(Kind::kTombstonePending, index, times.revoke, "");
    }
    if (times.destroy_due + kDestroySlack <= running_ && !lifecycle::IsPaused(course_, now_)) {
      AddForVersion(Kind::kDestroyOverdue, index, times.destroy_due,
                    absl::StrCat("it was to be destroyed at ", Text(times.destroy_due)));
    }
  }

  const catalog::Key& key_;
  const lifecycle::KeyCourse& course_;
  const std::vector<VersionTimes>& versions_;
  const absl::Time now_;
  const absl::Time running_;
  std::vector<Alarm>& alarms_;
  const std::optional<size_t> signer_;
};

}  // namespace

void AddKeyAlarms(const catalog::Key& key, const lifecycle::KeyCourse& course,
                  const KeyTimes& times, std::vector<Alarm>& alarms) {
  KeyLook(key, course, times, alarms).Look();
}

}  // namespace sealward::alarms
