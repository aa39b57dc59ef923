// KeyManager: how a version comes to be. The intent is stored before the HSM is
// asked, and the outcome after.
#include <algorithm>
#include <utility>

#include "common/failpoint.h"
#include "server/catalog/mutations.h"
#include "server/lifecycle/hsm_call.h"
#include "server/lifecycle/key_manager.h"
#include "server/lifecycle/resource_errors.h"
#include "server/telemetry/logging.h"

namespace sealward::lifecycle {

using telemetry::Level;
using telemetry::Log;

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

absl::StatusOr<KeyManager::KeyPtr> KeyManager::AddIntent(const KeyPtr& key) {
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
  if (!pair.ok()) return pair.status();
  SEALWARD_FAILPOINT("key.pair_made");
  for (int attempt = 0; attempt < kMaxCommitAttempts; ++attempt) {
    if (!key->versions[index]->spki.empty()) return key;  // another server was faster
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

absl::StatusOr<KeyManager::KeyPtr> KeyManager::MakeSuccessor(KeyPtr key, absl::Time deadline) {
  std::optional<size_t> pending = FirstPending(*key, options_.clock->Now());
  if (!pending) {
    auto added = AddIntent(key);
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
  const auto after = MakeSuccessor(*before, deadline);
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
