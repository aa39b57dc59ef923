#include "tests/sim/cells.h"

#include <initializer_list>

namespace sealward::sim {
namespace {

using enum Subject;

bool Among(Subject subject, std::initializer_list<Subject> subjects) {
  for (const Subject one : subjects) {
    if (one == subject) return true;
  }
  return false;
}

// What a whole key can be counted under. A version that is REVOKED, WITHDRAWN or on its
// way out is not current, and nothing that is to come.
bool IsOfKey(Subject subject) {
  return Among(subject, {kActive, kVerifyOnly, kSuspended, kComing, kNothing});
}

}  // namespace

bool CanHappen(Event event, Subject subject) {
  switch (event) {
    case Event::kAddSuccessor:
    case Event::kPause:
    case Event::kResume:
    case Event::kRevokeKey:
    case Event::kChangeRotation:
    case Event::kRaisePromise:
    case Event::kLowerPromise:
    case Event::kOutage:
    case Event::kClockStep:
    case Event::kRestore:
    case Event::kRecover:
      return IsOfKey(subject);
    // There must be a version with a key pair to switch to.
    case Event::kRotateDue:
    case Event::kRotate:
      return IsOfKey(subject) && subject != kNothing;
    // A key pair is made once, for the intent.
    case Event::kGenerate:
      return subject == kPending;
    // Only what never signed: the others have a withdraw or publish_until of their own.
    case Event::kWithdraw:
      return Among(subject, {kStaged, kStandby, kSuspended});
    // Only what has ended, once.
    case Event::kScheduleByPolicy:
    case Event::kScheduleDestroy:
      return Among(subject, {kWithdrawn, kRevoked});
    case Event::kMarkRevoked:
      return subject == kRevoked;
    // REVOKED covers what happens to the key pair afterwards.
    case Event::kMarkDestroy:
    case Event::kDestroy:
    case Event::kCancelDestroy:
      return Among(subject, {kRevoked, kDestroyScheduled});
    // A schedule that was cancelled leaves what had ended before; one that a restored
    // backup does not know of, any state but those that a schedule makes.
    case Event::kUnmarkDestroy:
      return !Among(subject, {kDestroyScheduled, kDestroyed, kComing, kNothing});
    case Event::kSuspend:
      return Among(subject, {kStaged, kStandby, kActive});
    case Event::kEnable:
      return subject == kSuspended;
    // REVOKED and DESTROYED are for ever.
    case Event::kRevoke:
    case Event::kRevokeUnready:
      return !Among(subject, {kRevoked, kDestroyed, kComing, kNothing});
  }
  return false;
}

bool IsOfKey(Event event) { return CanHappen(event, kComing); }

bool CanFailThere(Event event, Failpoint failpoint) {
  if (failpoint == Failpoint::kNone) return true;
  if (event >= Event::kOutage) return false;  // nobody's: it happens, or it does not
  const bool in_hsm = failpoint == Failpoint::kHsmFails || failpoint == Failpoint::kAnswerLost ||
                      failpoint == Failpoint::kCrashBetween;
  return CallsHsm(event) || !in_hsm;
}

}  // namespace sealward::sim
