#include "server/lifecycle/key_manager.h"

#include <openssl/rand.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/catalog/mutations.h"
#include "server/lifecycle/hsm_call.h"
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

std::optional<size_t> FirstPending(const catalog::Key& key) {
  for (size_t i = 0; i < key.versions.size(); ++i) {
    if (key.versions[i]->spki.empty()) return i;
  }
  return std::nullopt;
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

std::string SystemRandomBytes(size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1) {
    std::abort();  // without randomness nothing here is safe
  }
  return bytes;
}

void KeyManager::OnChange(std::function<void(absl::string_view)> listener) {
  absl::MutexLock lock(&listener_mu_);
  listener_ = std::move(listener);
}

void KeyManager::Changed(absl::string_view name) {
  absl::MutexLock lock(&listener_mu_);
  if (listener_) listener_(name);
}

absl::StatusOr<KeyLeases::Lease> KeyManager::Lease(absl::string_view name, absl::Time deadline) {
  const absl::Duration timeout =
      std::max(absl::ZeroDuration(), std::min(deadline - options_.clock->Now(), kGenerateTimeout));
  auto lease = leases_.Acquire(name, timeout);
  if (!lease) {
    return MakeError(absl::StatusCode::kDeadlineExceeded, "KEY_BUSY",
                     absl::StrCat("another change of ", name, " is still under way; try again"));
  }
  return std::move(*lease);
}

absl::StatusOr<KeyManager::KeyPtr> KeyManager::Find(absl::string_view name) const {
  const auto snapshot = options_.catalog->Get();
  const auto found = snapshot->keys.find(name);
  if (found == snapshot->keys.end()) return ResourceNotFound(name);
  return found->second;
}

KeyCourse KeyManager::Course(const catalog::Key& key) const {
  const auto snapshot = options_.catalog->Get();
  return catalog::CourseOf(key, catalog::JwksRoom(*snapshot, *key.issuer, options_.clock->Now()));
}

absl::StatusOr<KeyManager::KeyPtr> KeyManager::FindUnchanged(absl::string_view name,
                                                             Precondition unchanged) const {
  auto key = Find(name);
  if (key.ok() && !unchanged(**key)) return EtagMismatch(name);
  return key;
}

absl::Status KeyManager::Commit(const store::Transaction& transaction) {
  const auto revision = options_.catalog->Commit(transaction);
  options_.metrics->CountStoreCommit(revision.status().code());
  if (!absl::IsAborted(revision.status())) return revision.status();
  // The next decision is to see the change that came first.
  if (absl::Status s = options_.catalog->CatchUp(); !s.ok()) return s;
  return revision.status();
}

absl::Status KeyManager::CheckCreateKey(const NewKey& key) const {
  const auto snapshot = options_.catalog->Get();
  if (absl::Status s = CheckNewKey(*snapshot, key); !s.ok()) return s;
  const auto partition = options_.partitions->Find(TenantOf(*snapshot, key).partition);
  if (!partition.ok()) return partition.status();
  return CheckAlgorithmOffered(**partition, *key.algorithm);
}

catalog::KeyVersion KeyManager::NewIntent(const AlgorithmInfo& algorithm, int64_t number) {
  catalog::KeyVersion version;
  version.number = number;
  version.object_id = options_.random(kObjectIdBytes);
  version.algorithm = &algorithm;
  version.create_time = options_.clock->Now();
  return version;
}

absl::Status KeyManager::RecordNewKey(const NewKey& request) {
  const catalog::KeyVersion first = NewIntent(*request.algorithm, 1);
  catalog::Key key;
  key.name = request.name;
  key.purpose = request.purpose;
  key.audiences = request.audiences;
  key.typs = request.typs;
  key.max_jwt_lifetime = request.max_jwt_lifetime;
  key.claim_rules = request.claim_rules;
  key.algorithm = request.algorithm;
  key.quota = request.quota;
  key.create_time = first.create_time;
  key.last_version = first.number;
  for (int attempt = 0; attempt < kMaxCommitAttempts; ++attempt) {
    const auto snapshot = options_.catalog->Get();
    if (absl::Status s = CheckNewKey(*snapshot, request); !s.ok()) return s;
    key.issuer = snapshot->issuers.at(request.issuer);
    absl::Status status = Commit(catalog::CreateKey(key, first));
    if (!absl::IsAborted(status)) return status;
  }
  return ConcurrentChange();
}

absl::StatusOr<KeyManager::KeyPtr> KeyManager::CreateKey(const NewKey& request,
                                                         absl::Time deadline) {
  auto lease = Lease(request.name, deadline);
  if (!lease.ok()) return lease.status();
  if (absl::Status s = CheckCreateKey(request); !s.ok()) return s;
  if (absl::Status s = RecordNewKey(request); !s.ok()) return s;
  auto key = Find(request.name);
  if (!key.ok()) return key.status();
  Log(Level::kInfo, "key_created", {{"key", request.name}, {"algorithm", request.algorithm->name}});
  auto generated = Generate(std::move(*key), 0, deadline);
  Changed(request.name);
  return generated;
}

absl::StatusOr<KeyManager::KeyPtr> KeyManager::AddIntent(const KeyPtr& key) {
  const catalog::KeyVersion intent = NewIntent(*key->algorithm, key->last_version + 1);
  if (absl::Status s = Commit(catalog::AddVersion(*key, intent)); !s.ok()) return s;
  return Find(key->name);
}

absl::StatusOr<KeyManager::KeyPtr> KeyManager::Generate(KeyPtr key, size_t index,
                                                        absl::Time deadline) {
  const absl::Time limit = options_.clock->Now() + kGenerateTimeout;
  const auto partition = options_.partitions->Find(key->tenant->partition);
  if (!partition.ok()) return partition.status();
  auto pair = GenerateKeyPair(**partition, *key, *key->versions[index], std::min(deadline, limit));
  if (!pair.ok()) return pair.status();
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
  std::optional<size_t> pending = FirstPending(*key);
  if (!pending) {
    auto added = AddIntent(key);
    if (!added.ok()) return added.status();
    key = std::move(*added);
    pending = FirstPending(*key);
    if (!pending) return ConcurrentChange();
  }
  return Generate(std::move(key), *pending, deadline);
}

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
    status = Commit(catalog::ReplaceVersions(*key, catalog::WithTimes(*key, planned->versions)));
    done = status.ok();
  } else {
    status = MakeSuccessor(key, deadline).status();
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
  for (int attempt = 0; attempt < kMaxCommitAttempts; ++attempt) {
    bool done = false;
    auto rotation = ApplyOrMakeSuccessor(*key, deadline, done);
    if (!rotation.ok()) {
      Changed(name);  // an intent may be there: the driver goes on with it
      return rotation;
    }
    if (!done) continue;
    if (!rotation->already_planned) {
      Log(Level::kInfo, "key_switch_planned",
          {{"key", name},
           {"successor", rotation->key->versions[rotation->successor]->number},
           {"at", absl::FormatTime(absl::RFC3339_sec, rotation->at, absl::UTCTimeZone())}});
      Changed(name);
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
  const std::optional<size_t> pending = FirstPending(*then);
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

absl::StatusOr<absl::Time> KeyManager::Advance(absl::string_view name) {
  auto lease = leases_.Acquire(name, absl::ZeroDuration());
  if (!lease) return options_.clock->Now() + kBusyRetryDelay;
  auto found = Find(name);
  if (!found.ok()) return found.status();
  KeyPtr key = std::move(*found);
  Step step = PlanStep(Course(*key), options_.clock->Now());
  if (step.add_successor || step.generate) {
    auto made = MakeSuccessor(key, absl::InfiniteFuture());
    if (!made.ok()) return made.status();
    key = std::move(*made);
    step = PlanStep(Course(*key), options_.clock->Now());
    // Something is still due: at once.
    if (step.add_successor || step.generate) return absl::InfinitePast();
  }
  return step.wake;
}

}  // namespace sealward::lifecycle
