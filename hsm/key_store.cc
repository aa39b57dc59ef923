#include "hsm/key_store.h"

#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "hsm/outage.h"
#include "hsm/pkcs11/rv.h"

namespace sealward::hsm {
namespace {

bool IsKey(const FoundObject& object) {
  return object.object_class == CKO_PRIVATE_KEY || object.object_class == CKO_PUBLIC_KEY;
}

// Whether the object may be a remnant of a key pair: a key, or something whose
// class a killed process did not get to write.
bool MayBeKey(const FoundObject& object) {
  return IsKey(object) || object.object_class == CK_UNAVAILABLE_INFORMATION;
}

}  // namespace

std::optional<pkcs11::KeyPair> CompletePair(const std::vector<FoundObject>& objects) {
  pkcs11::KeyPair pair;
  if (objects.size() != 2 || objects[0].label != objects[1].label) return std::nullopt;
  for (const FoundObject& object : objects) {
    if (object.object_class == CKO_PRIVATE_KEY) pair.private_key = object.handle;
    if (object.object_class == CKO_PUBLIC_KEY) pair.public_key = object.handle;
  }
  if (pair.private_key == CK_INVALID_HANDLE || pair.public_key == CK_INVALID_HANDLE) {
    return std::nullopt;
  }
  return pair;
}

absl::StatusOr<std::vector<FoundObject>> KeyStore::Describe(
    const std::vector<CK_OBJECT_HANDLE>& handles, Unreadable unreadable) const {
  std::vector<FoundObject> found;
  for (const CK_OBJECT_HANDLE handle : handles) {
    FoundObject object;
    object.handle = handle;
    auto values = session_.Read(handle, {CKA_CLASS, CKA_ID, CKA_LABEL, CKA_TOKEN});
    const CK_RV rv = pkcs11::RvOf(values.status());
    // Destroyed by another process between the search and now.
    if (pkcs11::IsStaleHandle(rv)) continue;
    if (EndsTheProcess(rv)) return values.status();
    if (unreadable == Unreadable::kFails && pkcs11::IsDoubtful(rv)) return values.status();
    if (values.ok()) {
      if (pkcs11::AsBool((*values)[3]) == false) continue;  // a session copy of ours
      object.object_class = pkcs11::AsUlong((*values)[0]).value_or(CK_UNAVAILABLE_INFORMATION);
      object.id = (*values)[1].value_or("");
      object.label = (*values)[2].value_or("");
    }
    found.push_back(std::move(object));
  }
  return found;
}

absl::Status KeyStore::Refresh() {
  pkcs11::Template everything;
  auto handles = session_.Find(everything);
  if (!handles.ok()) return handles.status();
  auto objects = Describe(*handles, Unreadable::kHasNoClass);  // one may not stop a whole partition
  if (!objects.ok()) return objects.status();
  // Before a pair is known, so that none is without its mark; and after the pairs were seen, so
  // that one that is marked and then forgotten is found with its mark.
  if (absl::Status s = marks_.Refresh(); !s.ok()) return s;
  std::map<std::string, std::vector<FoundObject>> by_id;
  for (FoundObject& object : *objects) {
    if (MayBeKey(object)) by_id[object.id].push_back(std::move(object));
  }
  listed_.clear();
  unattributable_ = 0;
  for (const auto& [bytes, group] : by_id) {
    const auto id = ToObjectId(bytes);
    const auto pair = CompletePair(group);
    const bool canary = id == kCanaryId && group.front().label == kCanaryLabel;
    const bool tenants = pair && id && ObjectLabel::Parse(group.front().label).has_value();
    if (tenants) listed_.push_back(*id);
    if (!tenants && !(canary && pair)) unattributable_ += static_cast<uint32_t>(group.size());
    if (!pair || !id) continue;
    const auto known = objects_.find(*id);
    if (known == objects_.end() || known->second->handles.private_key != pair->private_key ||
        known->second->handles.public_key != pair->public_key) {
      Add(*id, *pair, group.front().label);
    }
  }
  TakeMarks();
  refreshed_ = true;
  return absl::OkStatus();
}

void KeyStore::TakeMarks() {
  for (const auto& [id, object] : objects_) {
    object->mark = marks_.KindOf(id);
    if (object->mark != v1::Mark::KIND_UNSPECIFIED) copies_.Drop(*object);
  }
}

absl::StatusOr<std::vector<FoundObject>> KeyStore::Search(const ObjectId& id) const {
  pkcs11::Template match;
  match.Bytes(CKA_ID, View(id));
  auto handles = session_.Find(match);
  if (!handles.ok()) return handles.status();
  return Describe(*handles, Unreadable::kFails);
}

absl::StatusOr<KeyObject*> KeyStore::Find(const ObjectId& id) {
  if (const auto known = objects_.find(id); known != objects_.end()) return known->second.get();
  if (IsRememberedMiss(id)) return NotFound(id);
  auto objects = Search(id);
  if (!objects.ok()) return objects.status();
  const auto pair = CompletePair(*objects);
  if (!pair) {
    RememberMiss(id);
    return NotFound(id);
  }
  auto marks = marks_.For(id);
  if (!marks.ok()) return marks.status();
  KeyObject* object = Add(id, *pair, objects->front().label);
  object->mark = marks->kind();
  return object;
}

KeyObject* KeyStore::Add(const ObjectId& id, const pkcs11::KeyPair& handles,
                         const std::string& label) {
  Forget(id);
  auto object = std::make_unique<KeyObject>();
  object->id = id;
  object->handles = handles;
  object->label_text = label;
  object->label = ObjectLabel::Parse(label);
  object->signatures = &signatures_[id];
  return (objects_[id] = std::move(object)).get();
}

void KeyStore::Forget(const ObjectId& id) {
  misses_.erase(id);
  const auto known = objects_.find(id);
  if (known == objects_.end()) return;
  copies_.Drop(*known->second);
  objects_.erase(known);
}

absl::Status KeyStore::NotFound(const ObjectId& id) const {
  return MakeError(absl::StatusCode::kNotFound, "OBJECT_NOT_FOUND",
                   absl::StrCat("the partition has no key pair with object id ", Hex(id)));
}

bool KeyStore::IsRememberedMiss(const ObjectId& id) {
  const auto miss = misses_.find(id);
  if (miss == misses_.end()) return false;
  const absl::Duration age = clock_.Now() - miss->second;
  if (age >= absl::ZeroDuration() && age < kMissLifetime) return true;
  misses_.erase(miss);
  return false;
}

void KeyStore::RememberMiss(const ObjectId& id) {
  if (miss_order_.size() >= kMaxRememberedMisses) {
    misses_.erase(miss_order_.front());
    miss_order_.pop_front();
  }
  misses_[id] = clock_.Now();
  miss_order_.push_back(id);
}

}  // namespace sealward::hsm
