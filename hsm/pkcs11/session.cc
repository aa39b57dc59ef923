#include "hsm/pkcs11/session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "hsm/pkcs11/rv.h"

namespace sealward::pkcs11 {
namespace {

// PKCS#11 takes input as pointers to non-const and does not write to it.
unsigned char* Input(absl::string_view bytes) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
  return reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
}

constexpr size_t kFindBatch = 512;

// Whether a module that objected to one attribute went on with the others, as section 5.7
// (C_GetAttributeValue) wants it: a length that is still that of the room was not set.
bool LeftOutSome(const std::vector<CK_ATTRIBUTE>& attributes) {
  return std::ranges::any_of(attributes, [](const CK_ATTRIBUTE& attribute) {
    return !IsUlong(attribute.type) && attribute.ulValueLen == kMaxAttributeBytes;
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Session>> Session::Open(const Module& module, CK_SLOT_ID slot) {
  CK_SESSION_HANDLE handle = CK_INVALID_HANDLE;
  const CK_RV rv = module.functions().C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                                    nullptr, nullptr, &handle);
  if (rv != CKR_OK) return RvStatus(rv, "C_OpenSession");
  return std::unique_ptr<Session>(new Session(module.functions(), module.traits(), handle));
}

Session::~Session() { functions_.C_CloseSession(handle_); }

absl::Status Session::Login(absl::string_view pin) {
  return RvStatus(functions_.C_Login(handle_, CKU_USER, Input(pin), pin.size()), "C_Login");
}

absl::StatusOr<std::vector<CK_OBJECT_HANDLE>> Session::Find(Template& match) const {
  CK_RV rv = functions_.C_FindObjectsInit(handle_, match.data(), match.size());
  if (rv != CKR_OK) return RvStatus(rv, "C_FindObjectsInit");
  std::vector<CK_OBJECT_HANDLE> found;
  std::array<CK_OBJECT_HANDLE, kFindBatch> batch{};
  CK_ULONG count = 0;
  do {
    rv = functions_.C_FindObjects(handle_, batch.data(), batch.size(), &count);
    if (rv != CKR_OK || count > batch.size()) break;
    found.insert(found.end(), batch.begin(), batch.begin() + count);
  } while (count > 0 && found.size() <= kMaxObjects);
  functions_.C_FindObjectsFinal(handle_);
  if (rv != CKR_OK) return RvStatus(rv, "C_FindObjects");
  if (count > batch.size()) {
    return absl::InternalError(absl::StrCat("C_FindObjects says that it found ", count,
                                            " objects where ", batch.size(), " were asked for"));
  }
  // Part of them would be pairs without their marks.
  if (found.size() > kMaxObjects) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the partition has more than ", kMaxObjects, " objects"));
  }
  return found;
}

absl::StatusOr<std::vector<Value>> Session::Read(
    CK_OBJECT_HANDLE object, std::initializer_list<CK_ATTRIBUTE_TYPE> types) const {
  std::vector<std::array<char, kMaxAttributeBytes>> room(types.size());
  std::vector<CK_ATTRIBUTE> attributes;
  for (const CK_ATTRIBUTE_TYPE type : types) {
    // NSS says "buffer too small" to any room for a number but that of a CK_ULONG.
    attributes.push_back({type, room[attributes.size()].data(),
                          IsUlong(type) ? sizeof(CK_ULONG) : kMaxAttributeBytes});
  }
  const CK_RV rv =
      functions_.C_GetAttributeValue(handle_, object, attributes.data(), attributes.size());
  // These three are about single attributes, whose length then says so.
  if (rv != CKR_OK && rv != CKR_ATTRIBUTE_TYPE_INVALID && rv != CKR_ATTRIBUTE_SENSITIVE &&
      rv != CKR_BUFFER_TOO_SMALL) {
    return RvStatus(rv, "C_GetAttributeValue");
  }
  if (rv != CKR_OK && types.size() > 1 && LeftOutSome(attributes)) return ReadSingly(object, types);
  std::vector<Value> values;
  for (const CK_ATTRIBUTE& attribute : attributes) {
    if (attribute.ulValueLen > kMaxAttributeBytes) {
      values.emplace_back(std::nullopt);
    } else {
      values.emplace_back(std::string(static_cast<char*>(attribute.pValue), attribute.ulValueLen));
    }
  }
  return values;
}

absl::StatusOr<std::vector<Value>> Session::ReadSingly(
    CK_OBJECT_HANDLE object, std::initializer_list<CK_ATTRIBUTE_TYPE> types) const {
  std::vector<Value> values;
  for (const CK_ATTRIBUTE_TYPE type : types) {
    auto value = Read(object, {type});
    if (!value.ok()) return value.status();
    values.push_back(std::move(value->front()));
  }
  return values;
}

absl::StatusOr<KeyPair> Session::GenerateKeyPair(CK_MECHANISM_TYPE mechanism, Template& public_key,
                                                 Template& private_key) const {
  CK_MECHANISM how{mechanism, nullptr, 0};
  KeyPair pair;
  const CK_RV rv = functions_.C_GenerateKeyPair(handle_, &how, public_key.data(), public_key.size(),
                                                private_key.data(), private_key.size(),
                                                &pair.public_key, &pair.private_key);
  if (rv != CKR_OK) return RvStatus(rv, "C_GenerateKeyPair");
  return pair;
}

absl::StatusOr<CK_OBJECT_HANDLE> Session::Create(Template& object) const {
  CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
  const CK_RV rv = functions_.C_CreateObject(handle_, object.data(), object.size(), &made);
  if (rv != CKR_OK) return RvStatus(rv, "C_CreateObject");
  return made;
}

absl::StatusOr<CK_OBJECT_HANDLE> Session::Copy(CK_OBJECT_HANDLE object, Template& changes) const {
  CK_OBJECT_HANDLE copy = CK_INVALID_HANDLE;
  const CK_RV rv = functions_.C_CopyObject(handle_, object, changes.data(), changes.size(), &copy);
  if (rv != CKR_OK) return RvStatus(rv, "C_CopyObject");
  return copy;
}

absl::Status Session::Destroy(CK_OBJECT_HANDLE object) const {
  return RvStatus(functions_.C_DestroyObject(handle_, object), "C_DestroyObject");
}

absl::Status Session::Change(CK_OBJECT_HANDLE object, Template& changes) const {
  return RvStatus(functions_.C_SetAttributeValue(handle_, object, changes.data(), changes.size()),
                  "C_SetAttributeValue");
}

CK_RV Session::Sign(CK_MECHANISM mechanism, CK_OBJECT_HANDLE key, absl::string_view data,
                    unsigned char* out, CK_ULONG* size) const {
  const CK_RV rv = functions_.C_SignInit(handle_, &mechanism, key);
  if (rv != CKR_OK) return rv;
  return functions_.C_Sign(handle_, Input(data), data.size(), out, size);
}

}  // namespace sealward::pkcs11
