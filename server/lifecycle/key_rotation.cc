// KeyManager: the switch from one version to the next, asked for by somebody.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/failpoint.h"
#include "server/catalog/mutations.h"
#include "server/lifecycle/key_manager.h"
#include "server/lifecycle/resource_errors.h"
#include "server/telemetry/logging.h"

namespace sealward::lifecycle {
namespace {

using telemetry::Level;
using telemetry::Log;

absl::Status NotReady(const catalog::Key& key) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "KEY_NOT_READY",
                   absl::StrCat(key.name,
                                " has no version that signs or will: its first is still being "
                                "generated; try again when `sealward keys versions` shows it"));
}

Rotation Describe(std::shared_ptr<const catalog::Key> key, const Switch& planned) {
  return Rotation{std::move(key), planned.predecessor, planned.successor, planned.at,
                  planned.already_planned};
}

// Whether the key signs at `now`, or has a switch planned.
bool SignsOrWill(const std::vector<VersionTimes>& times, absl::Time now) {
  return SigningVersionAt(times, now).has_value() ||
         std::ranges::any_of(times, [now](const VersionTimes& version) {
           return version.activate > now && version.activate != absl::InfiniteFuture();
         });
}

}  // namespace

// One try: the rotation with `done`, or another `key` to try with.
absl::StatusOr<Rotation> KeyManager::ApplyOrMakeSuccessor(KeyPtr& key, absl::Time deadline,
                                                          bool& done) {
  const absl::Time now = options_.clock->Now();
  const auto times = TimesOf(*key);
  if (!SignsOrWill(times, now)) return NotReady(*key);
  const auto planned = PlanRotation(Course(*key), now);
  absl::Status status;
  if (planned) {
    done = planned->already_planned;
    if (done) return Describe(key, *planned);
    SEALWARD_FAILPOINT("key.before_switch");
    status = Commit(catalog::ReplaceVersions(*key, catalog::WithTimes(*key, planned->versions)));
    done = status.ok();
    SEALWARD_FAILPOINT("key.switch_recorded");
  } else {
    status = MakeSuccessor(key, Bound::kJwks, deadline).status();
  }
  if (!status.ok() && !absl::IsAborted(status)) return status;
  auto changed = Find(key->name);
  if (!changed.ok()) return changed.status();
  key = std::move(*changed);
  return done ? Describe(key, *planned) : Rotation();
}

absl::StatusOr<Rotation> KeyManager::RotateKey(absl::string_view name, Precondition unchanged,
                                               absl::Time deadline) {
  auto lease = Lease(name, deadline);
  if (!lease.ok()) return lease.status();
  auto key = FindUnchanged(name, unchanged);
  if (!key.ok()) return key.status();
  if (absl::Status s = CheckNotOlder((*key)->tenant->partition); !s.ok()) return s;
  for (int attempt = 0; attempt < kMaxCommitAttempts; ++attempt) {
    bool done = false;
    auto rotation = ApplyOrMakeSuccessor(*key, deadline, done);
    if (!rotation.ok()) {
      lease->Release();
      Changed(name);  // an intent may be there: the driver goes on with it
      return rotation;
    }
    if (!done) continue;
    if (!rotation->already_planned) {
      Log(Level::kInfo, "key_switch_planned",
          {{"key", name},
           {"successor", rotation->key->versions[rotation->successor]->number},
           {"at", absl::FormatTime(absl::RFC3339_sec, rotation->at, absl::UTCTimeZone())}});
      lease->Release();
      Changed(name);
      NoteEpoch(rotation->key);
    }
    return rotation;
  }
  return ConcurrentChange();
}

absl::StatusOr<Rotation> KeyManager::PreviewRotation(absl::string_view name,
                                                     Precondition unchanged) const {
  auto key = FindUnchanged(name, unchanged);
  if (!key.ok()) return key.status();
  const absl::Time now = options_.clock->Now();
  if (!SignsOrWill(TimesOf(**key), now)) return NotReady(**key);
  if (const auto planned = PlanRotation(Course(**key), now)) {
    return Describe(*key, *planned);
  }
  // As if the successor had been generated now.
  auto then = std::make_shared<catalog::Key>(**key);
  const std::optional<size_t> pending = FirstPending(*then, now);
  auto successor = std::make_shared<catalog::KeyVersion>();
  if (pending) {
    *successor = *then->versions[*pending];
  } else {
    successor->number = then->last_version + 1;
    successor->algorithm = then->algorithm;
    successor->create_time = now;
  }
  const size_t index = pending.value_or(then->versions.size());
  if (!pending) then->versions.push_back(successor);
  successor->times = TimesOfNewVersion(Course(*then), index, now);
  then->versions[index] = successor;
  const auto planned = PlanRotation(Course(*then), now);
  if (!planned) return NotReady(*then);
  return Describe(then, *planned);
}

}  // namespace sealward::lifecycle
