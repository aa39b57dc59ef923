#include "hsm/session_copies.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "hsm/log.h"

namespace sealward::hsm {

CK_OBJECT_HANDLE SessionCopies::HandleFor(KeyObject& object) {
  if (object.copy != CK_INVALID_HANDLE) {
    if (object.copy_position != recent_.begin()) {
      recent_.splice(recent_.begin(), recent_, object.copy_position);
    }
    return object.copy;
  }
  if (limit_ > 0 && *object.signatures >= object.next_copy_attempt) Make(object);
  return object.copy != CK_INVALID_HANDLE ? object.copy : object.handles.private_key;
}

void SessionCopies::Make(KeyObject& object) {
  while (recent_.size() >= limit_) Drop(*recent_.back());
  pkcs11::Template changes;
  changes.Bool(CKA_TOKEN, false);
  auto copy = session_.Copy(object.handles.private_key, changes);
  if (!copy.ok()) {
    // Slower, but it signs: a copy is no more than a help.
    object.next_copy_attempt = *object.signatures + kCopyRetrySignatures;
    LogWarning(absl::StrCat("object ", Hex(object.id),
                            " has no session copy: ", std::string(copy.status().message())));
    return;
  }
  object.copy = *copy;
  recent_.push_front(&object);
  object.copy_position = recent_.begin();
}

void SessionCopies::Drop(KeyObject& object) {
  if (object.copy == CK_INVALID_HANDLE) return;
  recent_.erase(object.copy_position);
  if (absl::Status s = session_.Destroy(std::exchange(object.copy, CK_INVALID_HANDLE)); !s.ok()) {
    LogWarning(absl::StrCat("session copy of ", Hex(object.id), ": ", std::string(s.message())));
  }
}

}  // namespace sealward::hsm
