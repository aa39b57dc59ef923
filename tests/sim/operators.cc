// Server: what operators ask for, under the preconditions of the lifecycle service.
#include <algorithm>
#include <array>
#include <utility>

#include "server/lifecycle/policy.h"
#include "tests/sim/server.h"

namespace sealward::sim {
namespace {

using lifecycle::CachePolicy;
using lifecycle::KeyCourse;
using lifecycle::State;
using lifecycle::StateAt;
using lifecycle::VersionTimes;

constexpr bool NoHsm() { return true; }

// Whether what signs may go on until a successor that is made now is ready.
bool HasTime(const KeyCourse& course, absl::Time now) {
  const auto current = lifecycle::CurrentVersion(course, now);
  return current && course.versions[*current].sign_until >
                        now + course.cache.propagation_time + absl::Minutes(10);
}

}  // namespace

bool Server::Operate(Event event, size_t key, absl::Time now) {
  const StoredKey& stored = site_.store.keys[key];
  const KeyCourse course = Course(key, now);
  const size_t version = AnyVersion(event, key, now);
  const VersionTimes& times = stored.versions[version];
  const State state = StateAt(times, now);
  const Subject subject = SubjectIn(state);
  switch (event) {
    case Event::kRotate:
      return RotateByHand(key, now);
    case Event::kPause:
      return PauseKey(key, now);
    case Event::kResume:
      if (!lifecycle::IsPaused(course, now)) return false;
      return Do(event, SubjectOf(key, now), now, NoHsm,
                [&](Store& store) { store.keys[key].pause.reset(); });
    case Event::kSuspend:
      if (!lifecycle::CanSuspend(times, now)) return false;
      // Of one that is to take over, the one before it goes on as long as it may.
      if (state == State::kActive || !HasTime(course, now)) truth_.key(key).excused = true;
      return DoVersions(event, key, subject, now, rules_.Suspend(course, version, now));
    case Event::kEnable:
      if (state != State::kSuspended) return false;
      return DoVersions(event, key, subject, now, rules_.Enable(course, version));
    case Event::kRevoke:
    case Event::kRevokeUnready:
    case Event::kRevokeKey:
      return Revoke(event, key, now);
    case Event::kScheduleDestroy:
      return lifecycle::CanScheduleDestroy(times, now) && Schedule(event, key, version, now);
    case Event::kCancelDestroy:
      if (!lifecycle::CanCancelDestroy(times, now)) return false;
      if (!DoVersions(event, key, subject, now, rules_.CancelDestroy(course, version, now))) {
        return false;
      }
      truth_.pair(stored.pairs[version]).destroy_from = absl::InfiniteFuture();
      return true;
    case Event::kChangeRotation:
      return ChangeRotation(key, now);
    default:
      return ChangePromise(event, now);
  }
}

bool Server::CanAim(size_t key, absl::Time now) const {
  if (SubjectOf(key, now) == site_.aim->subject) return true;
  if (IsOfKey(site_.aim->event)) return false;
  const size_t versions = site_.store.keys[key].versions.size();
  for (size_t i = 0; i < versions; ++i) {
    if (SubjectOf(key, i, now) == site_.aim->subject) return true;
  }
  return false;
}

// Each state that there is with the same chance, of those that the event is for.
size_t Server::AnyVersion(Event event, size_t key, absl::Time now) {
  const auto& versions = site_.store.keys[key].versions;
  std::array<std::vector<size_t>, kSubjects> by_state;
  std::vector<size_t> states;
  for (size_t i = 0; i < versions.size(); ++i) {
    const Subject subject = SubjectOf(key, i, now);
    if (!CanHappen(event, subject)) continue;
    if (IsAim(event, subject)) return i;
    const auto state = static_cast<size_t>(subject);
    if (by_state[state].empty()) states.push_back(state);
    by_state[state].push_back(i);
  }
  const auto any = [this](const std::vector<size_t>& of) {
    return of[static_cast<size_t>(random_.Below(static_cast<int>(of.size())))];
  };
  return states.empty() ? 0 : any(by_state[any(states)]);
}

bool Server::RotateByHand(size_t key, absl::Time now) {
  const auto planned = lifecycle::PlanRotation(Course(key, now), now);
  if (!planned || planned->already_planned) return false;
  truth_.key(key).by_hand = true;
  return DoVersions(Event::kRotate, key, SubjectOf(key, now), now,
                    rules_.Switched(Course(key, now), *planned, now));
}

bool Server::PauseKey(size_t key, absl::Time now) {
  const KeyCourse course = Course(key, now);
  const absl::Duration most =
      random_.OneIn(2) ? lifecycle::kMaxPause : 3 * course.cache.propagation_time;
  const lifecycle::PauseTimes pause = {now, now + absl::Seconds(1) + random_.UpTo(most)};
  const Versions versions = rules_.Pause(course, now);
  // A rotation that somebody asked for before is put off with the rest.
  return Do(Event::kPause, SubjectOf(key, now), now, NoHsm, [&](Store& store) {
    truth_.key(key).by_hand = false;
    store.keys[key].versions = versions;
    store.keys[key].pause = pause;
  });
}

bool Server::Revoke(Event event, size_t key, absl::Time now) {
  const StoredKey& stored = site_.store.keys[key];
  const KeyCourse course = Course(key, now);
  std::vector<size_t> which;
  which.reserve(stored.versions.size());
  for (size_t i = 0; i < stored.versions.size(); ++i) which.push_back(i);
  if (event != Event::kRevokeKey) {
    const auto current = lifecycle::CurrentVersion(course, now);
    which = {current && random_.OneIn(3) ? *current : AnyVersion(event, key, now)};
  }
  const auto choice = event == Event::kRevokeUnready ? lifecycle::WithoutStandby::kActivateUnready
                                                     : lifecycle::WithoutStandby::kRefuse;
  const lifecycle::Revocation result = rules_.Revoke(course, which, choice, now);
  if (result.revoked.empty()) return false;
  const bool standby_left = std::ranges::any_of(result.versions, [now](const VersionTimes& left) {
    return StateAt(left, now) == State::kStandby && lifecycle::CanFollow(left, now);
  });
  if (!result.promoted && !standby_left) truth_.key(key).excused = true;
  const Subject subject =
      event == Event::kRevokeKey ? SubjectOf(key, now) : SubjectOf(key, which.front(), now);
  std::vector<PairId> revoked;
  revoked.reserve(result.revoked.size());
  for (const size_t i : result.revoked) revoked.push_back(stored.pairs[i]);
  const bool done = Do(event, subject, now, NoHsm, [&](Store& store) {
    store.keys[key].versions = result.versions;
    for (const PairId id : revoked) truth_.Revoked(id, now);
    if (result.unready && result.versions[*result.promoted].unready) {
      truth_.pair(stored.pairs[*result.promoted]).unready = true;
    }
  });
  if (done) CheckTrust(revoked, now);
  return done;
}

// The times that the answer to a revocation names.
void Server::CheckTrust(std::span<const PairId> revoked, absl::Time now) {
  const StoredIssuer& issuer = site_.store.issuer;
  absl::Time promised = std::max(now, issuer.earlier_promise_until);
  for (const lifecycle::CacheClass& cache : issuer.profile->classes) {
    const absl::Time until = lifecycle::TrustedUntil(*issuer.profile, cache, issuer.max_age, now);
    if (until != absl::InfiniteFuture()) promised = std::max(promised, until);
  }
  for (const PairId id : revoked) {
    const absl::Time until = truth_.TrustedUntil(*issuer.profile, id);
    if (until > promised) truth_.Break(Invariant::kRevokedTrusted, "longer than was said", until);
  }
}

bool Server::ChangeRotation(size_t key, absl::Time now) {
  const KeyCourse course = Course(key, now);
  const auto policy = AnyPolicy(course.cache, site_.store.issuer.max_jwks_keys / 2, random_);
  if (!policy) return false;
  const Versions versions = rules_.ChangePolicies(course, course.cache, *policy, now);
  return Do(Event::kChangeRotation, SubjectOf(key, now), now, NoHsm, [&](Store& store) {
    truth_.PolicyOf(key, *policy);
    // A switch that the old hard end forced goes on.
    truth_.key(key).by_hand = true;
    store.keys[key].versions = versions;
    store.keys[key].rotation = *policy;
  });
}

bool Server::ChangePromise(Event event, absl::Time now) {
  const StoredIssuer& last = site_.store.issuer;
  const auto fits = [&](const StoredIssuer& it) {
    return (it.propagation_time > last.propagation_time) == (event == Event::kRaisePromise);
  };
  StoredIssuer next = AnyIssuer(random_);
  for (int i = 0; i < 8 && !fits(next); ++i) next = AnyIssuer(random_);
  if (!fits(next)) return false;
  next.published = last.published;
  const CachePolicy from = CachePolicyOf(site_.store, site_.store.keys.front());
  next.earlier_promise_until = rules_.EarlierPromise(from, next.propagation_time, now);
  Store changed = site_.store;
  changed.issuer = next;
  for (size_t i = 0; i < changed.keys.size(); ++i) {
    const CachePolicy cache = CachePolicyOf(changed, changed.keys[i]);
    const int most = next.max_jwks_keys / static_cast<int>(changed.keys.size());
    if (!lifecycle::CheckPolicy(changed.keys[i].rotation, cache, 0, most).empty()) return false;
    changed.keys[i].versions =
        rules_.ChangePolicies(CourseOf(site_.store, i, now), cache, changed.keys[i].rotation, now);
  }
  if (CourseOf(changed, 0, now).jwks_room < 0) return false;
  return Do(event, SubjectOf(0, now), now, NoHsm, [&](Store& store) {
    truth_.PromiseChanges(store, next, now);
    for (size_t i = 0; i < changed.keys.size(); ++i) {
      truth_.key(i).excused = true;
    }
    changed.revision = store.revision;
    store = changed;
  });
}

}  // namespace sealward::sim
