#include "tests/sim/server.h"

#include <algorithm>
#include <iostream>
#include <utility>

namespace sealward::sim {
namespace {

using lifecycle::KeyCourse;
using lifecycle::StateAt;
using lifecycle::VersionTimes;

constexpr bool NoHsm() { return true; }

}  // namespace

KeyCourse Server::Course(size_t key, absl::Time now) const {
  return CourseOf(site_.store, key, now);
}

Subject Server::SubjectOf(size_t key, absl::Time now) const {
  const KeyCourse course = Course(key, now);
  if (const auto current = lifecycle::CurrentVersion(course, now)) {
    return SubjectIn(StateAt(course.versions[*current], now));
  }
  const bool coming = std::ranges::any_of(course.versions, [now](const VersionTimes& times) {
    return lifecycle::WillSign(times, now) || lifecycle::CanFollow(times, now);
  });
  return coming ? Subject::kComing : Subject::kNothing;
}

void Server::Observe(absl::Time now) {
  truth_.Observe(site_.store, site_.partition, !site_.rolled_back, now, random_.UpTo(kLatency));
}

Failpoint Server::AnyFailpoint(Event event, Subject subject) {
  if (CallsHsm(event) && site_.hsm_down) return Failpoint::kHsmFails;
  const int of_six = IsAim(event, subject) ? 5 : site_.failures_in_six;
  if (site_.calm || random_.Below(6) >= of_six) return Failpoint::kNone;
  while (true) {
    const auto failpoint = static_cast<Failpoint>(1 + random_.Below(kFailpoints - 1));
    if (CanFailThere(event, failpoint)) return failpoint;
  }
}

bool Server::Do(Event event, Subject subject, absl::Time now, Hsm hsm, Commit commit) {
  const Failpoint failpoint = AnyFailpoint(event, subject);
  coverage_.Hit(subject, event, failpoint);
  if (site_.trace) {
    std::cout << absl::FormatTime(absl::RFC3339_full, now, absl::UTCTimeZone()) << " "
              << EventName(event) << " " << SubjectName(subject) << " " << FailpointName(failpoint)
              << "\n";
  }
  if (failpoint == Failpoint::kCrashBefore || failpoint == Failpoint::kHsmFails) return false;
  if (failpoint == Failpoint::kStoreFails && !CallsHsm(event)) return false;
  if (!hsm()) return false;
  if (failpoint == Failpoint::kAnswerLost || failpoint == Failpoint::kCrashBetween ||
      failpoint == Failpoint::kStoreFails) {
    return false;
  }
  commit(site_.store);
  ++site_.store.revision;
  const bool noted = failpoint != Failpoint::kCrashAfter && !site_.hsm_down;
  if (noted) site_.partition.revision = site_.store.revision;
  Observe(now);
  return true;
}

bool Server::DoVersions(Event event, size_t key, Subject subject, absl::Time now,
                        const Versions& versions) {
  return Do(event, subject, now, NoHsm, [&](Store& store) { store.keys[key].versions = versions; });
}

void Server::CreateKey(StoredKey key, absl::Time now) {
  key.versions.emplace_back();
  key.pairs.push_back(site_.next_pair);
  truth_.AddPair(site_.next_pair++, site_.store.keys.size());
  truth_.PolicyOf(site_.store.keys.size(), key.rotation);
  site_.store.keys.push_back(std::move(key));
  ++site_.store.revision;
  site_.partition.revision = site_.store.revision;
  Observe(now);
}

Server::Advanced Server::Advance(size_t key, absl::Time now) {
  lifecycle::Step step = rules_.PlanStep(Course(key, now), now);
  if (step.destroy && !rules_.Broken(Mutation::kDestroyWithoutMark)) {
    // WINDOW_OPEN, by a mark that the store has forgotten: asked again later.
    const ModelPair& pair = site_.partition.pair(site_.store.keys[key].pairs[*step.destroy]);
    if (pair.WindowIsOpen(now)) {
      step.destroy.reset();
      step.wake = std::min(step.wake, pair.destroy_time);
    }
  }
  if (step.no_room) truth_.key(key).excused = true;
  std::vector<Event> due;
  const auto add = [&due](Event event, bool is_due) {
    if (is_due) due.push_back(event);
  };
  add(Event::kAddSuccessor, step.add_successor && site_.next_pair < kMostPairs);
  add(Event::kGenerate, step.generate.has_value());
  add(Event::kRotateDue, step.rotate.has_value());
  add(Event::kWithdraw, step.withdraw.has_value());
  add(Event::kScheduleByPolicy, step.schedule_destroy.has_value());
  add(Event::kMarkRevoked, step.mark_revoked.has_value());
  add(Event::kMarkDestroy, step.mark_destroy.has_value());
  add(Event::kUnmarkDestroy, step.unmark_destroy.has_value());
  add(Event::kDestroy, step.destroy.has_value());
  if (due.empty()) return {false, false, step.wake};
  const Event event = due[static_cast<size_t>(random_.Below(static_cast<int>(due.size())))];
  const bool done = DoDue(event, key, step, now);
  return {done, !done, now};
}

bool Server::DoDue(Event event, size_t key, const lifecycle::Step& step, absl::Time now) {
  const auto& versions = site_.store.keys[key].versions;
  switch (event) {
    case Event::kAddSuccessor:
      return Do(event, SubjectOf(key, now), now, NoHsm, [&](Store& store) {
        store.keys[key].versions.emplace_back();
        store.keys[key].pairs.push_back(site_.next_pair);
        truth_.AddPair(site_.next_pair++, key);
      });
    case Event::kGenerate:
      return Generate(key, *step.generate, now);
    case Event::kRotateDue:
      return DoVersions(event, key, SubjectOf(key, now), now,
                        rules_.Switched(Course(key, now), *step.rotate, now));
    case Event::kWithdraw: {
      Versions next = versions;
      next[*step.withdraw].withdraw = now;
      return DoVersions(event, key, SubjectOf(key, *step.withdraw, now), now, next);
    }
    case Event::kScheduleByPolicy:
      return Schedule(event, key, *step.schedule_destroy, now);
    case Event::kMarkRevoked:
      return Mark(event, key, *step.mark_revoked, now);
    case Event::kMarkDestroy:
      return Mark(event, key, *step.mark_destroy, now);
    case Event::kUnmarkDestroy:
      return Mark(event, key, *step.unmark_destroy, now);
    default:
      return Destroy(key, *step.destroy, now);
  }
}

bool Server::Generate(size_t key, size_t version, absl::Time now) {
  StoredKey& stored = site_.store.keys[key];
  PairId id = stored.pairs[version];
  if (rules_.Broken(Mutation::kNewPairOnRetry) && site_.partition.pair(id).exists &&
      site_.next_pair < kMostPairs) {
    id = stored.pairs[version] = site_.next_pair;
    truth_.AddPair(site_.next_pair++, key);
  }
  return Do(
      Event::kGenerate, SubjectOf(key, version, now), now,
      [&] { return site_.partition.Generate(id); },
      [&](Store& store) {
        VersionTimes& times = store.keys[key].versions[version];
        times = rules_.TimesOfNewVersion(Course(key, now), version, now);
        store.issuer.published = true;
      });
}

bool Server::Mark(Event event, size_t key, size_t version, absl::Time now) {
  const StoredKey& stored = site_.store.keys[key];
  const PairId id = stored.pairs[version];
  const VersionTimes times = stored.versions[version];
  bool too_short = false;
  const auto hsm = [&] {
    if (event == Event::kMarkRevoked) return site_.partition.Revoke(id);
    if (event == Event::kUnmarkDestroy) return site_.partition.CancelDestroy(id);
    too_short = !site_.partition.ScheduleDestroy(id, times.destroy_due, now);
    return true;
  };
  return Do(event, SubjectOf(key, version, now), now, hsm, [&](Store& store) {
    VersionTimes& marked = store.keys[key].versions[version];
    if (too_short) {  // made known too late
      marked.destroy_due = std::max(marked.destroy_due, now + kLeastWindow) + absl::Minutes(1);
      return;
    }
    if (event == Event::kMarkRevoked) marked.revoke_marked = true;
    if (event == Event::kMarkDestroy) marked.destroy_marked = true;
    if (event == Event::kUnmarkDestroy) marked.destroy_marked = false;
  });
}

bool Server::Destroy(size_t key, size_t version, absl::Time now) {
  const PairId id = site_.store.keys[key].pairs[version];
  bool not_scheduled = false;
  const auto hsm = [&] {
    if (rules_.Broken(Mutation::kDestroyWithoutMark)) return true;
    const ModelPair& pair = site_.partition.pair(id);
    const bool was = pair.destroyed;
    not_scheduled = !was && pair.destroy_time == absl::InfiniteFuture();
    if (not_scheduled) return true;
    const bool done = site_.partition.Destroy(id, now);
    if (done && !was) truth_.Destroyed(site_.store, id, now);
    return done;
  };
  return Do(Event::kDestroy, SubjectOf(key, version, now), now, hsm, [&](Store& store) {
    VersionTimes& times = store.keys[key].versions[version];
    if (not_scheduled) {
      times.destroy_marked = false;  // the mark is made again
    } else {
      times.destroy = now;
    }
  });
}

bool Server::Schedule(Event event, size_t key, size_t version, absl::Time now) {
  const StoredKey& stored = site_.store.keys[key];
  const bool done = DoVersions(event, key, SubjectOf(key, version, now), now,
                               rules_.ScheduleDestroy(Course(key, now), version, now));
  if (done) {
    truth_.pair(stored.pairs[version]).destroy_from = now + stored.rotation.recovery_window;
  }
  return done;
}

}  // namespace sealward::sim
