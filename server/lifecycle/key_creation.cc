// KeyManager: how a key comes to be.
#include <utility>

#include "common/errors.h"
#include "common/failpoint.h"
#include "server/catalog/mutations.h"
#include "server/lifecycle/key_manager.h"
#include "server/lifecycle/resource_errors.h"
#include "server/telemetry/logging.h"

namespace sealward::lifecycle {

using telemetry::Level;
using telemetry::Log;

absl::Status KeyManager::CheckCreateKey(const NewKey& key) const {
  const auto snapshot = options_.catalog->Get();
  if (absl::Status s = CheckNewKey(*snapshot, key, options_.clock->Now()); !s.ok()) return s;
  const std::string& name = TenantOf(*snapshot, key)->partition;
  const auto partition = options_.partitions->Find(name);
  if (!partition.ok()) return partition.status();
  if (absl::Status s = CheckNotOlder(name); !s.ok()) return s;
  return CheckAlgorithmOffered(**partition, *key.algorithm);
}

absl::Status KeyManager::CheckAlgorithm(absl::string_view name,
                                        const AlgorithmInfo& algorithm) const {
  const auto key = Find(name);
  if (!key.ok()) return key.status();
  const auto partition = options_.partitions->Find((*key)->tenant->partition);
  if (!partition.ok()) return partition.status();
  return CheckAlgorithmOffered(**partition, algorithm);
}

absl::Status KeyManager::RecordNewKey(const NewKey& request) {
  const catalog::KeyVersion first = NewIntent(*request.algorithm, 1);
  absl::MutexLock lock(&places_mu_);
  for (int attempt = 0; attempt < kMaxCommitAttempts; ++attempt) {
    const auto snapshot = options_.catalog->Get();
    if (absl::Status s = CheckNewKey(*snapshot, request, first.create_time); !s.ok()) return s;
    catalog::Key key = ToKey(*snapshot, request);
    key.create_time = first.create_time;
    key.last_version = first.number;
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
  SEALWARD_FAILPOINT("key.recorded");
  auto key = Find(request.name);
  if (!key.ok()) return key.status();
  Log(Level::kInfo, "key_created", {{"key", request.name}, {"algorithm", request.algorithm->name}});
  auto generated = Generate(std::move(*key), 0, deadline);
  lease->Release();
  Changed(request.name);
  NoteEpoch(Find(request.name));
  return generated;
}

}  // namespace sealward::lifecycle
