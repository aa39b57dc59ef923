#include "hsm/data_objects.h"

#include <utility>

#include "common/errors.h"
#include "hsm/pkcs11/rv.h"

namespace sealward::hsm {
namespace {

constexpr absl::string_view kApplication = "sealward";

}  // namespace

absl::Status DataObjects::CheckAvailable() const {
  if (available_) return absl::OkStatus();
  return MakeError(absl::StatusCode::kUnimplemented, "NO_DATA_OBJECTS",
                   "the partition's HSM profile has no data objects, so there are no marks and no "
                   "epoch");
}

// The class comes first in each search: SoftHSM2 compares in that order, and what
// fails there costs it no decryption.
absl::StatusOr<std::vector<DataObject>> DataObjects::Find(absl::string_view label) const {
  if (!available_) return std::vector<DataObject>();
  pkcs11::Template match;
  match.Ulong(CKA_CLASS, CKO_DATA).Bytes(CKA_LABEL, label).Bytes(CKA_APPLICATION, kApplication);
  auto handles = session_.Find(match);
  if (!handles.ok()) return handles.status();
  return Read(*handles);
}

absl::StatusOr<std::vector<DataObject>> DataObjects::FindAll() const {
  if (!available_) return std::vector<DataObject>();
  pkcs11::Template match;
  match.Ulong(CKA_CLASS, CKO_DATA).Bytes(CKA_APPLICATION, kApplication);
  auto handles = session_.Find(match);
  if (!handles.ok()) return handles.status();
  return Read(*handles);
}

absl::StatusOr<std::vector<DataObject>> DataObjects::Read(
    const std::vector<CK_OBJECT_HANDLE>& handles) const {
  std::vector<DataObject> objects;
  for (const CK_OBJECT_HANDLE handle : handles) {
    auto values = session_.Read(handle, {CKA_LABEL, CKA_VALUE});
    // Replaced by another process between the search and now.
    if (pkcs11::IsStaleHandle(pkcs11::RvOf(values.status()))) continue;
    if (!values.ok()) return values.status();
    objects.push_back({handle, (*values)[0].value_or(""), (*values)[1].value_or("")});
  }
  return objects;
}

absl::Status DataObjects::Make(absl::string_view label, absl::string_view value) const {
  pkcs11::Template object;
  object.Ulong(CKA_CLASS, CKO_DATA).Bool(CKA_TOKEN, true).Bool(CKA_PRIVATE, true);
  object.Bytes(CKA_APPLICATION, kApplication).Bytes(CKA_LABEL, label).Bytes(CKA_VALUE, value);
  return session_.Create(object).status();
}

absl::Status DataObjects::Destroy(CK_OBJECT_HANDLE handle) const {
  absl::Status status = session_.Destroy(handle);
  return pkcs11::IsStaleHandle(pkcs11::RvOf(status)) ? absl::OkStatus() : status;
}

absl::StatusOr<int> DataObjects::DestroyUnfinished() const {
  if (!available_) return 0;
  pkcs11::Template match;
  match.Ulong(CKA_CLASS, CKO_DATA).Bytes(CKA_LABEL, "").Bytes(CKA_APPLICATION, "");
  match.Bytes(CKA_VALUE, "");
  auto handles = session_.Find(match);
  if (!handles.ok()) return handles.status();
  for (const CK_OBJECT_HANDLE handle : *handles) {
    if (absl::Status s = Destroy(handle); !s.ok()) return s;
  }
  return static_cast<int>(handles->size());
}

}  // namespace sealward::hsm
