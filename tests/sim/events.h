// What can happen in the simulated world, and where it can be cut short.
#ifndef SEALWARD_TESTS_SIM_EVENTS_H_
#define SEALWARD_TESTS_SIM_EVENTS_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "server/lifecycle/state.h"

namespace sealward::sim {

enum class Event : uint8_t {
  // The driver's, as PlanStep says.
  kAddSuccessor,
  kGenerate,
  kRotateDue,
  kWithdraw,
  kScheduleByPolicy,
  kMarkRevoked,
  kMarkDestroy,
  kUnmarkDestroy,
  kDestroy,
  // An operator's.
  kRotate,
  kPause,
  kResume,
  kSuspend,
  kEnable,
  kRevoke,
  kRevokeUnready,
  kRevokeKey,
  kScheduleDestroy,
  kCancelDestroy,
  kChangeRotation,
  kRaisePromise,
  kLowerPromise,
  // Nobody's.
  kOutage,
  kClockStep,
  kRestore,
  kRecover,
};
inline constexpr int kEvents = 26;

// Where an event ends early, or what fails in it.
enum class Failpoint : uint8_t {
  kNone,
  kStoreFails,    // the commit is refused
  kCrashBefore,   // decided, and nothing done
  kHsmFails,      // the HSM answers with an error, nothing done
  kAnswerLost,    // the HSM has done it, and its answer is lost
  kCrashBetween,  // the HSM has done it, and the server dies before the commit
  kCrashAfter,    // committed, and the server dies before the partition has the epoch
};
inline constexpr int kFailpoints = 7;

// What an event is about: a version in its state; or a whole key, by the state of its
// current version; without one: whether there is something that may become one.
enum class Subject : uint8_t {
  kPending,
  kStaged,
  kStandby,
  kActive,
  kVerifyOnly,
  kWithdrawn,
  kSuspended,
  kRevoked,
  kDestroyScheduled,
  kDestroyed,
  kComing,
  kNothing,
};
inline constexpr int kSubjects = 12;

constexpr Subject SubjectIn(lifecycle::State state) { return static_cast<Subject>(state); }
static_assert(SubjectIn(lifecycle::State::kDestroyed) == Subject::kDestroyed);

// A row of the table that a world has more of than others.
struct Aim {
  Event event;
  Subject subject;
};

absl::string_view SubjectName(Subject subject);
absl::string_view EventName(Event event);
absl::string_view FailpointName(Failpoint failpoint);
// Whether it asks the HSM for something before it commits.
bool CallsHsm(Event event);

}  // namespace sealward::sim

#endif  // SEALWARD_TESTS_SIM_EVENTS_H_
