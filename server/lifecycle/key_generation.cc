// KeyManager: how a version comes to be. The intent is stored before the HSM is
// asked, and the outcome after.
#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/failpoint.h"
#include "server/catalog/mutations.h"
#include "server/lifecycle/hsm_call.h"
#include "server/lifecycle/jwks_full.h"
#include "server/lifecycle/key_manager.h"
#include "server/lifecycle/resource_errors.h"
#include "server/telemetry/logging.h"

namespace sealward::lifecycle {

using telemetry::Level;
using telemetry::Log;

namespace {

// Versions given up one after the other, at the end of a key. Ids are random: an HSM that
// has a tombstone for each is broken, and the last version stays PENDING.
constexpr size_t kMaxGivenUp = 4;

// Whether the version never had a key pair and never will.
bool IsGivenUp(const catalog::KeyVersion& version) {
  return version.spki.empty() && version.times.withdraw != absl::InfiniteFuture();
}

bool MayGiveUp(const catalog::Key& key) {
  size_t given_up = 0;
  for (const auto& version : key.versions) {
    if (version->spki.empty() && !IsGivenUp(*version)) continue;  // the one at hand
    given_up = IsGivenUp(*version) ? given_up + 1 : 0;
  }
  return given_up < kMaxGivenUp;
}

absl::Status TombstonesOnly(const catalog::Key& key) {
  return MakeError(absl::StatusCode::kInternal, "HSM_REFUSED",
                   absl::StrCat(key.name, ": the HSM has tombstones for the ids of ", kMaxGivenUp,
                                " new versions, one after the other"));
}

}  // namespace

std::optional<size_t> KeyManager::FirstPending(const catalog::Key& key, absl::Time now) {
  for (size_t i = 0; i < key.versions.size(); ++i) {
    const catalog::KeyVersion& version = *key.versions[i];
    if (version.spki.empty() && CanFollow(version.times, now)) return i;
  }
  return std::nullopt;
}

catalog::KeyVersion KeyManager::NewIntent(const AlgorithmInfo& algorithm, int64_t number) {
  catalog::KeyVersion version;
  version.number = number;
  version.object_id = options_.random(kObjectIdBytes);
  version.algorithm = &algorithm;
  version.create_time = options_.clock->Now();
  return version;
}

absl::StatusOr<KeyManager::KeyPtr> KeyManager::AddIntent(const KeyPtr& key, Bound bound) {
  absl::MutexLock lock(&places_mu_);
  // Another key may have taken the place since the caller looked.
  if (bound == Bound::kJwks && Course(*key).jwks_room <= 0) {
    return JwksFull(absl::StrCat(key->name, " cannot get a successor"), *key->issuer);
  }
  const catalog::KeyVersion intent = NewIntent(*key->algorithm, key->last_version + 1);
  if (absl::Status s = Commit(catalog::AddVersion(*key, intent)); !s.ok()) return s;
  SEALWARD_FAILPOINT("key.successor_recorded");
  return Find(key->name);
}

absl::StatusOr<KeyManager::KeyPtr> KeyManager::Generate(KeyPtr key, size_t index,
                                                        absl::Time deadline) {
  const absl::Time limit = WallNow() + kGenerateTimeout;
  const auto partition = UsablePartition(key->tenant->partition);
  if (!partition.ok()) return partition.status();
  auto pair = GenerateKeyPair(**partition, *key, *key->versions[index], std::min(deadline, limit));
  if (ErrorReason(pair.status()) == "TOMBSTONE") {
    // Whatever had this id is revoked or destroyed. The version ends before it began, and
    // the planner asks for another one.
    if (!MayGiveUp(*key)) return TombstonesOnly(*key);
    const absl::Time now = options_.clock->Now();
    const auto recorded = RecordMarks(key->name, [index, now](std::vector<VersionTimes>& times) {
      if (times[index].publish == absl::InfiniteFuture()) times[index].withdraw = now;
    });
    if (!recorded.ok()) return recorded.status();
    Log(Level::kWarning, "key_version_given_up",
        {{"key", key->name}, {"version", key->versions[index]->number}});
    return ConcurrentChange();
  }
  if (!pair.ok()) return pair.status();
  SEALWARD_FAILPOINT("key.pair_made");
  for (int attempt = 0; attempt < kMaxCommitAttempts; ++attempt) {
    if (!key->versions[index]->spki.empty()) return key;              // another server was faster
    if (IsGivenUp(*key->versions[index])) return ConcurrentChange();  // another algorithm came
    if (absl::Status s = CheckNewKid(*options_.catalog->Get(), pair->jwk.kid()); !s.ok()) return s;
    catalog::KeyVersion version = *key->versions[index];
    version.spki = pair->spki;
    version.jwk = pair->jwk;
    version.times = TimesOfNewVersion(Course(*key), index, options_.clock->Now());
    absl::Status status = Commit(catalog::CompleteVersion(*key, version));
    if (!status.ok() && !absl::IsAborted(status)) return status;
    auto now = Find(key->name);
    if (!now.ok()) return now.status();
    key = std::move(*now);
    if (!status.ok()) continue;
    SEALWARD_FAILPOINT("key.pair_recorded");
    Log(Level::kInfo, "key_version_generated",
        {{"key", key->name},
         {"version", version.number},
         {"kid", version.jwk.kid()},
         {"existed", pair->existed}});
    return key;
  }
  return ConcurrentChange();
}

absl::StatusOr<KeyManager::KeyPtr> KeyManager::MakeSuccessor(KeyPtr key, Bound bound,
                                                             absl::Time deadline) {
  std::optional<size_t> pending = FirstPending(*key, options_.clock->Now());
  if (!pending) {
    auto added = AddIntent(key, bound);
    if (!added.ok()) return added.status();
    key = std::move(*added);
    pending = FirstPending(*key, options_.clock->Now());
    if (!pending) return ConcurrentChange();
  }
  return Generate(std::move(key), *pending, deadline);
}

absl::StatusOr<int64_t> KeyManager::PrepareSuccessor(absl::string_view name, absl::Time deadline) {
  auto lease = Lease(name, deadline);
  if (!lease.ok()) return lease.status();
  const auto before = Find(name);
  if (!before.ok()) return before.status();
  const auto after = MakeSuccessor(*before, Bound::kNone, deadline);
  lease->Release();
  Changed(name);  // an intent may be there: the driver goes on with it
  if (!after.ok()) return after.status();
  for (size_t i = (*after)->versions.size(); i > 0; --i) {
    const catalog::KeyVersion& version = *(*after)->versions[i - 1];
    const bool was_there =
        i <= (*before)->versions.size() && !(*before)->versions[i - 1]->spki.empty();
    if (!version.spki.empty() && !was_there) return version.number;
  }
  return ConcurrentChange();
}

}  // namespace sealward::lifecycle
