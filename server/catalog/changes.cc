#include "server/catalog/changes.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "server/catalog/access_builder.h"
#include "server/catalog/layout.h"
#include "server/catalog/operations_builder.h"
#include "server/catalog/records.h"

namespace sealward::catalog {
namespace {

// Builder makes one snapshot out of another. Keys that change are copied once,
// worked on, and put back by Finish.
class Builder {
 public:
  Builder(const Snapshot& base, const Changes& changes)
      : base_(base),
        changes_(changes),
        next_(std::make_shared<Snapshot>(base)),
        access_(base, next_.get()) {}

  absl::Status Put(const RecordKey& key, const Stored& stored);
  // REQUIRES: DeletesOnlyLeaves.
  void Delete(const RecordKey& key);
  absl::StatusOr<std::shared_ptr<const Snapshot>> Finish(int64_t revision);

 private:
  absl::Status PutTenant(const RecordKey& key, const Stored& stored);
  absl::Status PutIssuer(const RecordKey& key, const Stored& stored);
  absl::Status PutIssuerUrl(const RecordKey& key, const Stored& stored);
  absl::Status PutKey(const RecordKey& key, const Stored& stored);
  absl::Status PutVersion(const RecordKey& key, const Stored& stored);
  absl::Status FinishKey(Key& key);
  // The working copy of a key, or null where there is no such key.
  Key* Open(const std::string& name);
  void BuildKeysOfIssuers();

  const Snapshot& base_;
  const Changes& changes_;
  const std::shared_ptr<Snapshot> next_;
  AccessBuilder access_;
  absl::flat_hash_map<std::string, std::unique_ptr<Key>> open_;
  absl::flat_hash_set<std::string> issuers_with_other_keys_;
};

absl::Status Builder::Put(const RecordKey& key, const Stored& stored) {
  switch (key.kind) {
    case RecordKind::kTenant:
      return PutTenant(key, stored);
    case RecordKind::kIssuer:
      return PutIssuer(key, stored);
    case RecordKind::kIssuerUrl:
      return PutIssuerUrl(key, stored);
    case RecordKind::kKey:
      return PutKey(key, stored);
    case RecordKind::kVersion:
      return PutVersion(key, stored);
    default:
      return IsAccessKind(key.kind) ? access_.Put(key, stored)
                                    : PutOperationsRecord(*next_, key, stored);
  }
}

void Builder::Delete(const RecordKey& key) {
  if (IsAccessKind(key.kind)) {
    access_.Delete(key);
  } else {
    DeleteOperationsRecord(*next_, key);
  }
}

absl::Status Builder::PutTenant(const RecordKey& key, const Stored& stored) {
  auto tenant = ParseTenant(stored, key.name);
  if (!tenant.ok()) return tenant.status();
  auto next = std::make_shared<const Tenant>(*std::move(tenant));
  next_->tenants[key.name] = next;
  if (!base_.tenants.contains(key.name)) return absl::OkStatus();
  const std::string below = absl::StrCat(key.name, "/");
  for (const auto& [name, of_tenant] : base_.keys) {
    if (absl::StartsWith(name, below)) Open(name)->tenant = next;
  }
  return absl::OkStatus();
}

absl::Status Builder::PutIssuer(const RecordKey& key, const Stored& stored) {
  auto parsed = ParseIssuer(stored, key.name);
  if (!parsed.ok()) return parsed.status();
  if (!next_->tenants.contains(IssuerName::Parse(key.name)->Parent())) {
    return CorruptRecord(stored.store_key, "its tenant is not there");
  }
  // The claim on the URL is checked when its own record is put.
  if (!base_.issuers.contains(key.name) &&
      !changes_.contains(IssuerUrlRecordKey(parsed->issuer_url))) {
    return CorruptRecord(stored.store_key, "its URL is not claimed");
  }
  auto issuer = std::make_shared<const Issuer>(*std::move(parsed));
  next_->issuers[key.name] = issuer;
  const auto keys = base_.keys_of_issuer.find(key.name);
  if (keys == base_.keys_of_issuer.end()) return absl::OkStatus();
  for (const auto& of_issuer : keys->second) Open(of_issuer->name)->issuer = issuer;
  return absl::OkStatus();
}

absl::Status Builder::PutIssuerUrl(const RecordKey& key, const Stored& stored) {
  const auto issuer_name = ParseIssuerUrl(stored);
  if (!issuer_name.ok()) return issuer_name.status();
  const auto issuer = next_->issuers.find(*issuer_name);
  if (issuer == next_->issuers.end() || issuer->second->issuer_url != key.name) {
    return CorruptRecord(stored.store_key, "its issuer is not there or has another URL");
  }
  return absl::OkStatus();
}

absl::Status Builder::PutKey(const RecordKey& key, const Stored& stored) {
  auto parsed = ParseKey(stored, key.name);
  if (!parsed.ok()) return parsed.status();
  const auto issuer = next_->issuers.find(parsed->issuer_name);
  if (issuer == next_->issuers.end()) {
    return CorruptRecord(stored.store_key, "its issuer is not there");
  }
  auto next = std::make_unique<Key>(std::move(parsed->key));
  // The issuer is of the same tenant (ParseKey), and that is there (PutIssuer).
  next->tenant = next_->tenants.at(KeyName::Parse(key.name)->Parent());
  next->issuer = issuer->second;
  if (Key* before = Open(key.name); before != nullptr) {
    next->versions = std::move(before->versions);
    issuers_with_other_keys_.insert(before->issuer->name);
  }
  open_[key.name] = std::move(next);
  return absl::OkStatus();
}

absl::Status Builder::PutVersion(const RecordKey& key, const Stored& stored) {
  auto version = ParseVersion(stored, key.version);
  if (!version.ok()) return version.status();
  Key* owner = Open(key.name);
  if (owner == nullptr) return CorruptRecord(stored.store_key, "its key is not there");
  auto& versions = owner->versions;
  const auto at = std::ranges::lower_bound(versions, key.version, {},
                                           [](const auto& other) { return other->number; });
  auto next = std::make_shared<const KeyVersion>(*std::move(version));
  if (at != versions.end() && (*at)->number == key.version) {
    *at = std::move(next);
  } else {
    versions.insert(at, std::move(next));
  }
  return absl::OkStatus();
}

Key* Builder::Open(const std::string& name) {
  if (const auto open = open_.find(name); open != open_.end()) return open->second.get();
  const auto found = base_.keys.find(name);
  if (found == base_.keys.end()) return nullptr;
  return (open_[name] = std::make_unique<Key>(*found->second)).get();
}

absl::Status Builder::FinishKey(Key& key) {
  const int64_t newest = key.versions.empty() ? 0 : key.versions.back()->number;
  if (newest != key.last_version) {
    return CorruptRecord(KeyRecordKey(key.name),
                         absl::StrCat("its last version is ", key.last_version, ", but version ",
                                      newest, " is what is there"));
  }
  for (auto& version : key.versions) {
    std::vector<std::string> segments = HeaderSegments(*version, key.typs);
    if (segments == version->header_segments) continue;
    KeyVersion with_segments = *version;
    with_segments.header_segments = std::move(segments);
    version = std::make_shared<const KeyVersion>(std::move(with_segments));
  }
  return absl::OkStatus();
}

void Builder::BuildKeysOfIssuers() {
  for (const std::string& name : issuers_with_other_keys_) next_->keys_of_issuer.erase(name);
  for (const auto& [name, key] : next_->keys) {
    if (!issuers_with_other_keys_.contains(key->issuer->name)) continue;
    next_->keys_of_issuer[key->issuer->name].push_back(key);
  }
  for (const std::string& name : issuers_with_other_keys_) {
    const auto keys = next_->keys_of_issuer.find(name);
    if (keys == next_->keys_of_issuer.end()) continue;
    std::ranges::sort(keys->second, {},
                      [](const auto& key) -> const std::string& { return key->name; });
  }
}

absl::StatusOr<std::shared_ptr<const Snapshot>> Builder::Finish(int64_t revision) {
  for (auto& [name, key] : open_) {
    if (absl::Status status = FinishKey(*key); !status.ok()) return status;
    issuers_with_other_keys_.insert(key->issuer->name);
    next_->keys[name] = std::move(key);
  }
  if (!open_.empty()) BuildKeysOfIssuers();
  next_->revision = revision;
  return next_;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Snapshot>> ApplyChanges(const Snapshot& base,
                                                             const Changes& changes,
                                                             int64_t revision) {
  std::vector<std::pair<RecordKey, Changes::const_pointer>> in_order;
  for (const auto& change : changes) {
    auto key = ParseRecordKey(change.first);
    if (!key) return CorruptRecord(change.first, "this server knows no such record");
    in_order.emplace_back(*std::move(key), &change);
  }
  std::ranges::sort(in_order, {}, [](const auto& entry) { return entry.first.kind; });
  Builder builder(base, changes);
  for (const auto& [key, change] : in_order) {
    const auto& [store_key, content] = *change;
    if (!content.value) {
      builder.Delete(key);
      continue;
    }
    const Stored stored{store_key, *content.value, content.mod_revision};
    if (absl::Status status = builder.Put(key, stored); !status.ok()) return status;
  }
  return builder.Finish(revision);
}

bool DeletesOnlyLeaves(const Changes& changes) {
  return std::ranges::all_of(changes, [](const auto& change) {
    if (change.second.value) return true;
    const auto key = ParseRecordKey(change.first);
    return key && (IsAccessKind(key->kind) || IsOperationsKind(key->kind));
  });
}

}  // namespace sealward::catalog
