#include "server/lifecycle/key_manager.h"

#include <openssl/rand.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "server/lifecycle/resource_errors.h"

namespace sealward::lifecycle {

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
      std::max(absl::ZeroDuration(), std::min(deadline - WallNow(), kGenerateTimeout));
  auto lease = leases_.Acquire(name, timeout);
  if (!lease) {
    return KeyBusy(name);
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
  return catalog::CourseOf(key, catalog::RoomOf(*snapshot, key, options_.clock->Now()));
}

absl::StatusOr<KeyManager::KeyPtr> KeyManager::FindUnchanged(absl::string_view name,
                                                             Precondition unchanged) const {
  auto key = Find(name);
  if (key.ok() && !unchanged(**key)) return EtagMismatch(name);
  return key;
}

// The partition is to know of the change before whoever asked for it does.
void KeyManager::NoteEpoch(const absl::StatusOr<KeyPtr>& changed) {
  if (!changed.ok()) return;
  options_.epochs->Advance((*changed)->tenant->partition, (*changed)->mod_revision);
}

absl::Status KeyManager::CheckNotOlder(absl::string_view partition) const {
  absl::Status usable = UsablePartition(partition).status();
  return absl::IsFailedPrecondition(usable) ? usable : absl::OkStatus();
}

absl::StatusOr<hsm_client::Partition*> KeyManager::UsablePartition(
    absl::string_view partition) const {
  auto found = options_.partitions->Find(partition);
  if (!found.ok()) return found;
  if (absl::Status s = options_.epochs->CheckUsable(**found); !s.ok()) return s;
  return found;
}

absl::Time KeyManager::WallNow() const {
  return options_.wall == nullptr ? options_.clock->Now() : options_.wall->Now();
}

absl::Status KeyManager::Commit(store::Transaction transaction) {
  if (options_.stamp) options_.stamp(transaction);
  const auto revision = options_.catalog->Commit(transaction);
  options_.metrics->CountStoreCommit(revision.status().code());
  if (!absl::IsAborted(revision.status())) return revision.status();
  // The next decision is to see the change that came first.
  if (absl::Status s = options_.catalog->CatchUp(); !s.ok()) return s;
  return revision.status();
}

}  // namespace sealward::lifecycle
