#include "server/catalog/changes.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "server/catalog/access_builder.h"
#include "server/catalog/layout.h"
#include "server/catalog/operations_builder.h"
#include "server/catalog/records.h"

namespace sealward::catalog {
namespace {

// Where the key is among Snapshot::keys_of_issuer.
const std::string& GroupOf(const Key& key) {
  return key.purpose == v1::KEY_PURPOSE_RAW ? key.name : key.issuer->name;
}

std::shared_ptr<const KeyVersion> WithHeaders(const KeyVersion& version,
                                              const std::vector<std::string>& typs) {
  KeyVersion with_headers = version;
  with_headers.header_segments = HeaderSegments(version, typs);
  return std::make_shared<const KeyVersion>(std::move(with_headers));
}

// Whether `next` may follow `before`: a version gets its public key once, and keeps it.
bool IsSamePair(const KeyVersion& before, const KeyVersion& next) {
  return before.object_id == next.object_id && (before.spki.empty() || before.spki == next.spki);
}

// Builder makes one snapshot out of another. Keys that change are copied once,
// worked on, and put back by Finish.
class Builder {
 public:
  Builder(const Snapshot& base, const Changes& changes)
      : base_(base),
        changes_(changes),
        next_(std::make_shared<Snapshot>(base)),
        access_(next_.get()) {}

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
  // Notes whose kid and CKA_ID these are.
  void Index(const std::string& key_name, const KeyVersion& version);
  void FinishRawIssuer(Key& key);
  absl::Status FinishKey(Key& key);
  // Puts a key that is finished in its places.
  void Place(std::shared_ptr<const Key> key);
  void PlaceInIssuer(const std::shared_ptr<const Key>& key);
  void TakeOutOfIssuer(const Key& key);
  // The working copy of a key, or null where there is no such key.
  Key* Open(const std::string& name);

  const Snapshot& base_;
  const Changes& changes_;
  const std::shared_ptr<Snapshot> next_;
  AccessBuilder access_;
  absl::flat_hash_map<std::string, std::unique_ptr<Key>> open_;
  bool recounts_revisions_ = false;
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
  const auto before = base_.tenants.find(key.name);
  if (before == base_.tenants.end()) return absl::OkStatus();
  recounts_revisions_ |= before->second->partition != next->partition;
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
  parsed->margins = base_.margins;
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
  auto next = std::make_unique<Key>(std::move(parsed->key));
  const auto tenant = next_->tenants.find(KeyName::Parse(key.name)->Parent());
  if (tenant == next_->tenants.end()) {
    return CorruptRecord(stored.store_key, "its tenant is not there");
  }
  next->tenant = tenant->second;
  if (next->purpose == v1::KEY_PURPOSE_RAW) {
    next->issuer =
        std::make_shared<const Issuer>(RawIssuer(parsed->raw_propagation_time, base_.margins));
  } else if (const auto issuer = next_->issuers.find(parsed->issuer_name);
             issuer != next_->issuers.end()) {
    next->issuer = issuer->second;
  } else {
    return CorruptRecord(stored.store_key, "its issuer is not there");
  }
  if (Key* before = Open(key.name); before != nullptr) {
    next->versions = std::move(before->versions);
    if (before->typs != next->typs) {
      for (auto& version : next->versions) version = WithHeaders(*version, next->typs);
    }
  }
  open_[key.name] = std::move(next);
  return absl::OkStatus();
}

absl::Status Builder::PutVersion(const RecordKey& key, const Stored& stored) {
  auto version = ParseVersion(stored, key.version);
  if (!version.ok()) return version.status();
  Key* owner = Open(key.name);
  if (owner == nullptr) return CorruptRecord(stored.store_key, "its key is not there");
  version->header_segments = HeaderSegments(*version, owner->typs);
  auto& versions = owner->versions;
  const auto at = std::ranges::lower_bound(versions, key.version, {},
                                           [](const auto& other) { return other->number; });
  Index(key.name, *version);
  auto next = std::make_shared<const KeyVersion>(*std::move(version));
  if (at == versions.end() || (*at)->number != key.version) {
    versions.insert(at, std::move(next));
    return absl::OkStatus();
  }
  if (!IsSamePair(**at, *next)) {
    return CorruptRecord(stored.store_key, "it is not the key pair that it was");
  }
  *at = std::move(next);
  return absl::OkStatus();
}

void Builder::Index(const std::string& key_name, const KeyVersion& version) {
  const auto note = [&](PersistentMap<VersionName>& map, const std::string& id) {
    if (!id.empty() && !map.contains(id)) map[id] = VersionName{key_name, version.number};
  };
  note(next_->versions_by_kid, version.jwk.kid());
  note(next_->versions_by_object_id, version.object_id);
}

Key* Builder::Open(const std::string& name) {
  if (const auto open = open_.find(name); open != open_.end()) return open->second.get();
  const auto found = base_.keys.find(name);
  if (found == base_.keys.end()) return nullptr;
  return (open_[name] = std::make_unique<Key>(*found->second)).get();
}

// The key's first version that is there is the one nobody waited for.
void Builder::FinishRawIssuer(Key& key) {
  const absl::Duration propagation_time = key.issuer->propagation_time;
  absl::Time first = absl::InfiniteFuture();
  for (const auto& version : key.versions) first = std::min(first, version->times.publish);
  if (first == key.issuer->first_publish_time) return;
  key.issuer = std::make_shared<const Issuer>(RawIssuer(propagation_time, base_.margins, first));
}

absl::Status Builder::FinishKey(Key& key) {
  if (key.purpose == v1::KEY_PURPOSE_RAW) FinishRawIssuer(key);
  const int64_t newest = key.versions.empty() ? 0 : key.versions.back()->number;
  if (newest == key.last_version) return absl::OkStatus();
  return CorruptRecord(KeyRecordKey(key.name),
                       absl::StrCat("its last version is ", key.last_version, ", but version ",
                                    newest, " is what is there"));
}

void Builder::Place(std::shared_ptr<const Key> key) {
  const auto before = base_.keys.find(key->name);
  if (before != base_.keys.end() && GroupOf(*before->second) != GroupOf(*key)) {
    TakeOutOfIssuer(*before->second);
  }
  PlaceInIssuer(key);
  int64_t& newest = next_->key_revisions[key->tenant->partition];
  newest = std::max(newest, key->mod_revision);
  next_->keys[key->name] = std::move(key);
}

void Builder::PlaceInIssuer(const std::shared_ptr<const Key>& key) {
  auto& keys = next_->keys_of_issuer[GroupOf(*key)];
  const auto at = std::ranges::lower_bound(
      keys, key->name, {}, [](const auto& other) -> const std::string& { return other->name; });
  if (at != keys.end() && (*at)->name == key->name) {
    *at = key;
  } else {
    keys.insert(at, key);
  }
}

void Builder::TakeOutOfIssuer(const Key& key) {
  auto& keys = next_->keys_of_issuer[GroupOf(key)];
  std::erase_if(keys, [&key](const auto& other) { return other->name == key.name; });
  if (keys.empty()) next_->keys_of_issuer.erase(GroupOf(key));
}

absl::StatusOr<std::shared_ptr<const Snapshot>> Builder::Finish(int64_t revision) {
  for (auto& [name, key] : open_) {
    if (absl::Status status = FinishKey(*key); !status.ok()) return status;
    Place(std::move(key));
  }
  if (recounts_revisions_) {
    next_->key_revisions.clear();
    for (const auto& [name, key] : next_->keys) {
      int64_t& newest = next_->key_revisions[key->tenant->partition];
      newest = std::max(newest, key->mod_revision);
    }
  }
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
