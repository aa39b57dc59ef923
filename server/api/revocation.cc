#include "server/api/revocation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/api/conversion.h"
#include "server/api/etag.h"
#include "server/api/exposure.h"
#include "server/api/key_change.h"
#include "server/catalog/mutations.h"
#include "server/lifecycle/forecast.h"
#include "server/telemetry/logging.h"

namespace sealward::api {
namespace {

using lifecycle::State;
using lifecycle::WithoutStandby;
using telemetry::Level;
using telemetry::Log;

bool IsEnded(const lifecycle::VersionTimes& times, absl::Time now) {
  const State state = lifecycle::StateAt(times, now);
  return state == State::kRevoked || state == State::kDestroyed;
}

// Whether a version with a key pair that is not in `but` can take over at once, ready
// or not.
bool HasSpare(const lifecycle::KeyCourse& course, const std::vector<size_t>& but, absl::Time now) {
  for (size_t i = 0; i < course.versions.size(); ++i) {
    const lifecycle::VersionTimes& times = course.versions[i];
    const bool usable = lifecycle::CanFollow(times, now) || lifecycle::WillSign(times, now);
    if (usable && times.publish <= now && std::ranges::find(but, i) == but.end()) return true;
  }
  return false;
}

std::string VersionName(const catalog::Key& key, size_t index) {
  return absl::StrCat(key.name, "/versions/", key.versions[index]->number);
}

}  // namespace

absl::Status Revocation::Check(const catalog::Snapshot& snapshot) const {
  if (request_.reason() == v1::REVOCATION_REASON_UNSPECIFIED ||
      !v1::RevocationReason_IsValid(request_.reason())) {
    return MakeError(absl::StatusCode::kInvalidArgument, "REASON_INVALID",
                     "reason must say why: key compromise, service compromise or cessation");
  }
  if (request_.etag().empty()) return absl::OkStatus();
  if (target_.key.empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "ETAG_UNEXPECTED",
                     "etag: a tenant or partition is revoked whatever is there; leave it out");
  }
  const auto key = snapshot.keys.find(target_.key);
  const bool changed = key != snapshot.keys.end() && !EtagFits(request_.etag(), *key->second);
  return changed ? EtagMismatch(target_.key) : absl::OkStatus();
}

absl::StatusOr<v1::RevokeResponse> Revocation::Run() {
  auto target = ParseRevocationTarget(request_.name());
  if (!target.ok()) return target.status();
  target_ = *std::move(target);
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s =
          caller_.Authorize(*snapshot, target_.target(), target_.verb(), request_.name());
      !s.ok()) {
    return s;
  }
  const auto keys = KeysOf(*snapshot, target_, request_.name());
  if (!keys.ok()) return keys.status();
  if (absl::Status s = Check(*snapshot); !s.ok()) return s;
  if (request_.validate_only()) caller_.NothingIsDone();
  absl::Status failed;
  for (const KeyPtr& key : *keys) failed.Update(RevokeKey(key));
  const absl::Time limit = std::min(caller_.deadline(), edge_.clock->Now() + kRevokeHsmWait);
  if (!request_.validate_only()) {
    for (Outcome& outcome : outcomes_) Mark(outcome, limit);
  }
  if (!failed.ok()) return failed;
  v1::RevokeResponse response;
  for (const Outcome& outcome : outcomes_) Tell(outcome, response);
  return response;
}

// Indices of the versions that are to be revoked, the newest first.
std::vector<size_t> Revocation::Which(const catalog::Key& key, absl::Time now) const {
  std::vector<size_t> which;
  for (size_t i = key.versions.size(); i > 0 && which.size() < kMaxRevokedAtOnce; --i) {
    const catalog::KeyVersion& version = *key.versions[i - 1];
    if (target_.version && version.number != *target_.version) continue;
    // What the driver adds meanwhile is there to take over.
    if (version.number > last_version_ || version.number == spare_) continue;
    if (IsEnded(version.times, now)) continue;
    which.push_back(i - 1);
  }
  return which;
}

catalog::Key Revocation::Decide(const catalog::Key& seen, const lifecycle::KeyCourse& course,
                                absl::Time now, Outcome& outcome) const {
  const auto choice =
      request_.activate_unready() ? WithoutStandby::kActivateUnready : WithoutStandby::kRefuse;
  outcome.before = course;
  outcome.at = now;
  outcome.done = lifecycle::Revoke(course, Which(seen, now), choice, now);
  catalog::Key next = catalog::WithTimes(seen, outcome.done.versions);
  for (const size_t index : outcome.done.revoked) {
    catalog::KeyVersion version = *next.versions[index];
    version.revocation_reason = request_.reason();
    version.revoker = caller_.principal();
    next.versions[index] = std::make_shared<const catalog::KeyVersion>(std::move(version));
  }
  return next;
}

// Generates a version to take over where there is none and the caller takes one that
// is not ready. Without success the key signs nothing for a while, which is what the
// caller would get otherwise.
void Revocation::Prepare(const KeyPtr& key) {
  const absl::Time deadline = std::min(caller_.deadline(), edge_.clock->Now() + kSpareWait);
  const auto prepared = manager_->PrepareSuccessor(key->name, deadline);
  if (!prepared.ok()) {
    Log(Level::kWarning, "revocation_without_successor",
        {{"key", key->name}, {"status", prepared.status().ToString()}});
    return;
  }
  spare_ = *prepared;
}

// The key as Prepare would leave it.
Revocation::KeyPtr Revocation::Rehearsed(const KeyPtr& key) {
  auto then = std::make_shared<catalog::Key>(*key);
  auto spare = std::make_shared<catalog::KeyVersion>();
  spare->number = ++then->last_version;
  spare->algorithm = then->algorithm;
  spare->create_time = edge_.Now();
  then->versions.push_back(spare);
  const lifecycle::KeyCourse course = CourseIn(*edge_.catalog->Get(), *then, edge_.Now());
  spare->times = lifecycle::TimesOfNewVersion(course, course.versions.size() - 1, edge_.Now());
  spare_ = spare->number;
  return then;
}

absl::Status Revocation::RevokeKey(const KeyPtr& seen) {
  KeyPtr key = seen;
  const absl::Time now = edge_.Now();
  spare_.reset();
  last_version_ = key->last_version;
  const std::vector<size_t> which = Which(*key, now);
  if (which.empty()) {
    if (!target_.version) return absl::OkStatus();
    return WrongState(*key, *FindVersion(*key, *target_.version), "Revoke",
                      "one that is neither revoked nor destroyed", now);
  }
  const lifecycle::KeyCourse course = CourseIn(*edge_.catalog->Get(), *key, now);
  const auto current = lifecycle::CurrentVersion(course, now);
  const bool signer_goes = current && std::ranges::find(which, *current) != which.end();
  const bool needs_spare =
      request_.activate_unready() && signer_goes && !HasSpare(course, which, now);
  if (request_.validate_only()) {
    if (needs_spare) key = Rehearsed(key);
    Outcome outcome;
    catalog::Key next = Decide(*key, CourseIn(*edge_.catalog->Get(), *key, now), now, outcome);
    next.mod_revision = 0;
    outcome.key = std::make_shared<const catalog::Key>(std::move(next));
    outcomes_.push_back(std::move(outcome));
    return absl::OkStatus();
  }
  if (needs_spare) Prepare(key);
  // A successor made for this is no reason to refuse.
  bool compare = !needs_spare;
  const auto unchanged = [this, &compare](const catalog::Key& newest) {
    return !compare || target_.key.empty() || EtagFits(request_.etag(), newest);
  };
  do {
    Outcome outcome;
    const auto changed = manager_->ChangeKeyAtOnce(
        key->name, unchanged,
        [&](const catalog::Key& newest, const lifecycle::KeyCourse& newest_course, absl::Time at)
            -> absl::StatusOr<catalog::Key> { return Decide(newest, newest_course, at, outcome); },
        caller_.deadline());
    if (!changed.ok()) return changed.status();
    key = *changed;
    compare = false;
    outcome.key = key;
    for (const size_t index : outcome.done.revoked) {
      Log(Level::kWarning, "key_version_revoked",
          {{"version", VersionName(*key, index)},
           {"reason", v1::RevocationReason_Name(request_.reason())},
           {"revoker", caller_.principal()},
           {"promoted", outcome.done.promoted ? VersionName(*key, *outcome.done.promoted) : ""},
           {"unready", outcome.done.unready}});
    }
    outcomes_.push_back(std::move(outcome));
  } while (!Which(*key, edge_.Now()).empty());
  return absl::OkStatus();
}

void Revocation::Mark(Outcome& outcome, absl::Time limit) {
  const auto marked = manager_->MarkRevoked(outcome.key->name, outcome.done.revoked, limit);
  outcome.tombstone_pending = !marked.ok();
  if (marked.ok()) {
    outcome.key = *marked;
    return;
  }
  Log(Level::kWarning, "revocation_tombstone_pending",
      {{"key", outcome.key->name}, {"status", marked.status().ToString()}});
}

v1::RevokedVersion Revocation::TellVersion(const Outcome& outcome, size_t index,
                                           const v1::UntilFreshKid& fresh) const {
  const catalog::Key& key = *outcome.key;
  const lifecycle::VersionTimes& before = outcome.before.versions[index];
  v1::RevokedVersion told;
  *told.mutable_version() = ToMessage(key, *key.versions[index], edge_.Now());
  for (v1::Exposure& each : ExposuresOf(*key.issuer, before, fresh, outcome.at)) {
    *told.add_exposures() = std::move(each);
  }
  // By the clock that the signer counts with.
  told.set_live_jwts(live_jwts_->Live(key.versions[index]->object_id, edge_.clock->Now()));
  if (before.activate <= outcome.at && key.purpose == v1::KEY_PURPOSE_JWT) {
    const absl::Time until =
        std::min({before.retire, before.sign_until, outcome.at}) + key.max_jwt_lifetime;
    if (until > outcome.at) *told.mutable_live_jwts_until() = ToTimestamp(until);
  }
  told.set_tombstone_pending(outcome.tombstone_pending);
  const bool was_signing = lifecycle::CurrentVersion(outcome.before, outcome.at) == index;
  if (!was_signing || !outcome.done.promoted) return told;
  told.set_promoted_version(VersionName(key, *outcome.done.promoted));
  if (!outcome.done.unready) return told;
  const absl::Time published = key.versions[*outcome.done.promoted]->times.publish;
  for (std::string& each : RefusedBy(*key.issuer, published, outcome.at)) {
    told.add_refused_by(std::move(each));
  }
  return told;
}

void Revocation::Tell(const Outcome& outcome, v1::RevokeResponse& response) const {
  const lifecycle::KeyCourse after = CourseIn(*edge_.catalog->Get(), *outcome.key, outcome.at);
  std::vector<size_t> revoked = outcome.done.revoked;
  std::ranges::sort(revoked);
  if (static_cast<size_t>(response.versions_size()) + revoked.size() > kMaxListedVersions) {
    response.set_omitted_versions(response.omitted_versions() +
                                  static_cast<int32_t>(revoked.size()));
  } else {
    const v1::UntilFreshKid fresh = FreshKidOf(*outcome.key, after, outcome.at);
    for (const size_t index : revoked) {
      *response.add_versions() = TellVersion(outcome, index, fresh);
    }
  }
  if (!outcome.done.unserved) return;
  v1::UnservedKey& unserved = *response.add_unserved_keys();
  unserved.set_key(outcome.key->name);
  absl::Time until = outcome.done.served_again;
  if (until == absl::InfiniteFuture()) {
    const auto fresh = FreshKidOf(*outcome.key, after, outcome.at);
    if (fresh.has_planned_time()) *unserved.mutable_until() = fresh.planned_time();
  } else {
    *unserved.mutable_until() = ToTimestamp(until);
  }
}

}  // namespace sealward::api
