// What is to be done about a key, and when: decisions only. Reads no clock,
// draws no randomness, logs nothing, writes nothing; asking twice is harmless
// and asking late only delays. server/lifecycle's driver does what it says.
#ifndef SEALWARD_SERVER_LIFECYCLE_PLAN_H_
#define SEALWARD_SERVER_LIFECYCLE_PLAN_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "server/lifecycle/course.h"

namespace sealward::lifecycle {

// Times of version `index`, whose key pair came to be at `now`. It activates as soon
// as it is STANDBY where nothing else signs, will or can (a key's first version, or the
// first after all were revoked); a successor waits for a switch.
VersionTimes TimesOfNewVersion(const KeyCourse& course, size_t index, absl::Time now);

// Switch moves signing from one version to its successor.
struct Switch {
  std::optional<size_t> predecessor;  // index; nullopt if nothing signed
  size_t successor = 0;
  absl::Time at;
  std::vector<VersionTimes> versions;  // all of the key's, as they are to be
  bool already_planned = false;
};

// The switch that a rotation asked for at `now` makes: at once to a STANDBY, or
// at the time a STAGED version becomes one. After a revocation only to a version that
// no cache knows which holds the revoked key, unless nothing would sign otherwise. A
// switch that is already planned is returned as it stands. nullopt if there is no successor yet:
// generate one, then ask again.
std::optional<Switch> PlanRotation(const KeyCourse& course, absl::Time now);

// From when on the version that signs is to be replaced: by the policy, by its hard
// end, or because somebody asked. A pause puts it off, but not past the hard end and
// not where a revocation asks. InfiniteFuture while a switch is planned, or while
// the version is suspended and not past its hard end; InfinitePast where nothing signs
// and nothing will.
absl::Time RotationDue(const KeyCourse& course, absl::Time now);

// Step is what the driver has to do for a key now, each at most once: one pass moves
// a version one state.
struct Step {
  // Index of a PENDING version whose key pair is to be generated (again).
  std::optional<size_t> generate;
  // Whether a successor is to be recorded as PENDING: something signs, will or did,
  // nothing is there to follow it, and the JWKS has room for it. Not while a switch or a
  // withdrawal is due, which may make room.
  bool add_successor = false;
  // As add_successor, but the JWKS is full.
  bool no_room = false;
  // Rotation is due and there is a successor with a key pair.
  std::optional<Switch> rotate;
  // Index of a version that is to be withdrawn (withdraw = now): it never signed,
  // and is too old to or was passed over.
  std::optional<size_t> withdraw;
  // Index of a version whose destruction the policy asks to schedule (ScheduleDestroy
  // in intervene.h).
  std::optional<size_t> schedule_destroy;
  // Indices of versions whose marks in the partition are to be made or taken away.
  std::optional<size_t> mark_revoked;
  std::optional<size_t> mark_destroy;
  std::optional<size_t> unmark_destroy;
  // Index of a version that the HSM is to destroy.
  std::optional<size_t> destroy;
  // When to ask again if nothing else happens.
  absl::Time wake = absl::InfiniteFuture();

  // Whether anything is due but no_room, which only a person can change.
  bool IsIdle() const;
};

// What is due at `now`.
Step PlanStep(const KeyCourse& course, absl::Time now);

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_PLAN_H_
